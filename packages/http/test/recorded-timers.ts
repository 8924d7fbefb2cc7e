type Timer = ReturnType<typeof setTimeout>;

/** A second passes in a twentieth of one. */
const SHORTENED_BY = 20;

/**
 * Notes which timers of the code under test are still to come; those of vitest are not among them.
 * Times of a second and more are shortened, all alike.
 */
export class RecordedTimers {
	readonly #left = new Map<unknown, number | undefined>();
	readonly #own = { setTimeout, setInterval, clearTimeout, clearInterval };

	/** Takes the place of the global functions until `stop`. */
	start(): void {
		const { setTimeout, setInterval } = this.#own;
		const timeout = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): Timer => {
			const fire = (): void => {
				this.#left.delete(timer);
				run(...args);
			};
			const timer = setTimeout(fire, ms !== undefined && ms >= 1_000 ? ms / SHORTENED_BY : ms);
			this.#left.set(timer, ms);
			return timer;
		};
		const interval: typeof timeout = (run, ms, ...args) => {
			const timer = setInterval(run, ms, ...args);
			this.#left.set(timer, ms);
			return timer;
		};
		const clear = (timer: Timer | undefined): void => {
			this.#left.delete(timer);
			this.#own.clearTimeout(timer);
		};
		Object.assign(globalThis, {
			...{ setTimeout: timeout, clearTimeout: clear },
			...{ setInterval: interval, clearInterval: clear },
		});
	}

	stop(): void {
		Object.assign(globalThis, this.#own);
	}

	/** The times, in milliseconds, of the timers that are still to come. */
	get left(): (number | undefined)[] {
		return [...this.#left.values()];
	}
}
