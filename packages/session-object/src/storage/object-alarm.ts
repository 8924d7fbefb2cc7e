/** Do not move the alarm for an entry due within this time before it: `setAlarm` is a billed row write. */
const PRECISION_MS = 1_000;

/** If the alarm runs later than this, the platform delayed it or the clock has jumped. */
export const LATE_ALARM_MS: number = 60 * 60_000;

/**
 * Multiplexes the object's single alarm. The alarm is set for the earliest entry that is due, or up to
 * one second later. It is set in the turn that writes the entry, so that both are stored or neither is.
 */
export class ObjectAlarm {
	readonly #earliest: () => number | undefined;
	readonly #storage: DurableObjectStorage;
	readonly #report: (error: unknown) => void;
	/** The cached alarm time: reading it costs an asynchronous lookup, setting it a row write. */
	#setMs: number | undefined;
	#loading: Promise<void> | undefined;

	/** @param earliest returns when the next entry is due. */
	constructor(
		earliest: () => number | undefined,
		storage: DurableObjectStorage,
		report: (error: unknown) => void,
	) {
		this.#earliest = earliest;
		this.#storage = storage;
		this.#report = report;
	}

	/** Loads the stored alarm time. Until it is loaded, `update` sets the alarm unconditionally. */
	load(): Promise<void> {
		return (this.#loading ??= this.#storage.getAlarm().then(
			(alarmMs) => {
				this.#setMs ??= alarmMs ?? Infinity;
				// An earlier instance may have been lost before it set the alarm for its entries.
				this.update();
			},
			(error: unknown) => {
				// Fails only the requests that wait now: the next request loads it again.
				this.#loading = undefined;
				throw error;
			},
		));
	}

	/**
	 * Records that the alarm has fired. Until `markHandled` is called, `update` does not set the alarm:
	 * entries that are still due would fire it again at once. If the object is lost meanwhile, the
	 * platform retries the alarm.
	 */
	markFired(): void {
		this.#setMs = -Infinity;
		this.#loading = Promise.resolve();
	}

	/** Records that all due entries were handled, and sets the alarm for the next one. */
	markHandled(): void {
		this.#setMs = Infinity;
		this.update();
	}

	/** Drops the cached alarm time after the write that set it was rolled back. */
	invalidate(): void {
		this.#setMs = undefined;
	}

	/** Sets the alarm if an entry is due before it. An alarm that fires too early finds nothing due. */
	update(): void {
		const dueMs = this.#earliest();
		if (dueMs === undefined) return;
		if (this.#setMs !== undefined && this.#setMs <= dueMs + PRECISION_MS) return;
		this.#setMs = dueMs;
		// Not awaited: the output gate holds the next response back until the alarm is stored.
		this.#storage.setAlarm(dueMs).catch((error: unknown) => {
			this.#setMs = undefined;
			this.#report(error);
		});
	}

	/** Deletes the alarm. */
	async clear(): Promise<void> {
		this.#setMs = Infinity;
		await this.#storage.deleteAlarm();
	}
}
