/** Sets the object's alarm for a time in milliseconds since the epoch, unless an alarm is set. */
export type ScheduleAlarm = (dueMs: number) => Promise<void>;

/** Keeps an alarm set while the object stores anything that has to be pruned. */
export class PruneAlarm {
	readonly #state: DurableObjectState;
	readonly #schedule: ScheduleAlarm;
	readonly #delayMs: number;
	/** Hot path: saves a storage read for each message. */
	#isSet = false;

	/** @param delayMs the time from setting the alarm until it fires. */
	constructor(state: DurableObjectState, schedule: ScheduleAlarm, delayMs: number) {
		this.#state = state;
		this.#schedule = schedule;
		this.#delayMs = delayMs;
	}

	/** Records that the alarm has fired, so that the next `set` sets it again. */
	markFired(): void {
		this.#isSet = false;
	}

	/** Sets the alarm unless it is set. */
	set(): void {
		if (this.#isSet) return;
		this.#isSet = true;
		const scheduled = this.#schedule(Date.now() + this.#delayMs);
		// After a failure the next message tries again.
		this.#state.waitUntil(scheduled.catch(() => void (this.#isSet = false)));
	}
}
