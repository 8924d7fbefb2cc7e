/** What is due so little earlier than the alarm waits for it: setting it anew costs a row. */
const PRECISION_MS = 1_000;

/**
 * The one alarm that an object has, for everything that is due: it goes off at the earliest time that
 * an entry names, or a second later. It is set in the turn in which the entry is written, so that both are stored or
 * neither is.
 */
export class ObjectAlarm {
	readonly #earliest: () => number | undefined;
	readonly #storage: DurableObjectStorage;
	readonly #report: (error: unknown) => void;
	/** When it goes off, as far as this instance knows: reading it costs a wait, setting it a row. */
	#setMs: number | undefined;
	#reading: Promise<void> | undefined;

	/** @param earliest says when anything has to be seen to next. */
	constructor(
		earliest: () => number | undefined,
		storage: DurableObjectStorage,
		report: (error: unknown) => void,
	) {
		this.#earliest = earliest;
		this.#storage = storage;
		this.#report = report;
	}

	/** Finds out when it goes off. Until then entries set it without a look. */
	known(): Promise<void> {
		return (this.#reading ??= this.#storage.getAlarm().then(
			(atMs) => {
				this.#setMs ??= atMs ?? Infinity;
				// What a lost instance wrote may be due before.
				this.update();
			},
			(error: unknown) => {
				// Only this request fails: the next one looks again.
				this.#reading = undefined;
				throw error;
			},
		));
	}

	/**
	 * Says that it has gone off. Until what is due is seen to, nothing sets it: what was not seen to
	 * yet would set it off again at once. The platform makes up for one whose object is lost meanwhile.
	 */
	markFired(): void {
		this.#setMs = -Infinity;
		this.#reading = Promise.resolve();
	}

	/** Says that everything that was due has been seen to. */
	markHandled(): void {
		this.#setMs = Infinity;
		this.update();
	}

	/** When it goes off is not known any more: what was set was undone. */
	forget(): void {
		this.#setMs = undefined;
	}

	/** Sets it where something is due before. One that goes off too early finds nothing to do. */
	update(): void {
		const dueMs = this.#earliest();
		if (dueMs === undefined) return;
		if (this.#setMs !== undefined && this.#setMs <= dueMs + PRECISION_MS) return;
		this.#setMs = dueMs;
		// Not awaited: whatever answers next is held back until it is stored.
		this.#storage.setAlarm(dueMs).catch((error: unknown) => {
			this.#setMs = undefined;
			this.#report(error);
		});
	}

	/** Nothing is due any more. */
	async clear(): Promise<void> {
		this.#setMs = Infinity;
		await this.#storage.deleteAlarm();
	}
}
