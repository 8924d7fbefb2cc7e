type Listener = (event: unknown) => void;

/** A channel on a runtime without `node:diagnostics_channel`, for the listeners of `onTelemetry`. */
export class LocalChannel {
	readonly #listeners = new Set<Listener>();

	get hasSubscribers(): boolean {
		return this.#listeners.size > 0;
	}

	publish(event: unknown): void {
		for (const listener of this.#listeners) listener(event);
	}

	subscribe(listener: Listener): void {
		this.#listeners.add(listener);
	}

	unsubscribe(listener: Listener): void {
		this.#listeners.delete(listener);
	}
}
