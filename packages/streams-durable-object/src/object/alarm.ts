/**
 * Sets the object's alarm for this time, in milliseconds since the epoch, unless it is set already.
 */
export type ScheduleAlarm = (atMs: number) => Promise<void>;

/** Keeps an alarm set while the object stores anything that has to be pruned. */
export class PruneAlarm {
	readonly #state: DurableObjectState;
	readonly #schedule: ScheduleAlarm;
	readonly #afterMs: number;
	/** Spares a read of the storage with each message. */
	#isSet = false;

	/** @param afterMs the time from setting the alarm until it fires. */
	constructor(state: DurableObjectState, schedule: ScheduleAlarm, afterMs: number) {
		this.#state = state;
		this.#schedule = schedule;
		this.#afterMs = afterMs;
	}

	/** Notes that the alarm has fired, so that the next `set` sets it again. */
	markFired(): void {
		this.#isSet = false;
	}

	/** Sets the alarm unless it is set. */
	set(): void {
		if (this.#isSet) return;
		this.#isSet = true;
		const scheduled = this.#schedule(Date.now() + this.#afterMs);
		// After a failure the next message tries again.
		this.#state.waitUntil(scheduled.catch(() => void (this.#isSet = false)));
	}
}
