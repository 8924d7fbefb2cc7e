/** An event with something to tell. */
class EventWithDetail<Detail> extends Event {
	readonly detail: Detail | null;

	constructor(type: string, init?: CustomEventInit<Detail>) {
		super(type, init);
		this.detail = init?.detail ?? null;
	}
}

// Vercel's edge runtime has none, and `tmcp` tells with it that its tools have changed. Sound: what
// is missing, `initCustomEvent`, is deprecated everywhere.
globalThis.CustomEvent ??= EventWithDetail as unknown as typeof CustomEvent;
