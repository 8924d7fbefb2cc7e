/** Implements `CustomEvent`. */
class EventWithDetail<Detail> extends Event {
	readonly detail: Detail | null;

	constructor(type: string, init?: CustomEventInit<Detail>) {
		super(type, init);
		this.detail = init?.detail ?? null;
	}
}

// Vercel's edge runtime (edge-runtime 4.0) has no CustomEvent, which `tmcp` uses to announce changes.
// Safe because only `initCustomEvent` is missing, which is deprecated.
globalThis.CustomEvent ??= EventWithDetail as unknown as typeof CustomEvent;
