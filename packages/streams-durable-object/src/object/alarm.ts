/** As much of an object's storage as an alarm takes. */
export type AlarmStorage = Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm'>;

/** The alarm of an object that lets go of what is too old. It is set while there is anything that will be. */
export class LogAlarm {
	readonly #state: DurableObjectState;
	readonly #storage: AlarmStorage;
	readonly #afterMs: number;
	/** Whether one is known to be set. */
	#isSet = false;

	/** @param afterMs how long after it was set it goes off. */
	constructor(state: DurableObjectState, storage: AlarmStorage, afterMs: number) {
		this.#state = state;
		this.#storage = storage;
		this.#afterMs = afterMs;
	}

	/** It has gone off. */
	wentOff(): void {
		this.#isSet = false;
	}

	/** One that is set already stays. */
	set(): void {
		if (this.#isSet) return;
		this.#isSet = true;
		const storage = this.#storage;
		const setting = storage.getAlarm().then(async (atMs) => {
			if (atMs === null) await storage.setAlarm(Date.now() + this.#afterMs);
		});
		// What cannot be set is set with the next message.
		this.#state.waitUntil(setting.catch(() => void (this.#isSet = false)));
	}
}
