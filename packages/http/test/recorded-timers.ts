type Timer = ReturnType<typeof setTimeout>;

/** Timers of one second or more run this much faster. */
const SPEEDUP = 20;

/**
 * Records the pending timers of the code under test; vitest's own timers are not included. Timers of
 * one second or more are sped up.
 */
export class RecordedTimers {
	readonly #pending = new Map<unknown, number | undefined>();
	readonly #original = { setTimeout, setInterval, clearTimeout, clearInterval };

	/** Replaces the global timer functions until `stop`. */
	start(): void {
		const { setTimeout, setInterval } = this.#original;
		const timeout = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): Timer => {
			const fire = (): void => {
				this.#pending.delete(timer);
				run(...args);
			};
			const timer = setTimeout(fire, ms !== undefined && ms >= 1_000 ? ms / SPEEDUP : ms);
			this.#pending.set(timer, ms);
			return timer;
		};
		const interval: typeof timeout = (run, ms, ...args) => {
			const timer = setInterval(run, ms, ...args);
			this.#pending.set(timer, ms);
			return timer;
		};
		const clear = (timer: Timer | undefined): void => {
			this.#pending.delete(timer);
			this.#original.clearTimeout(timer);
		};
		Object.assign(globalThis, {
			setTimeout: timeout,
			clearTimeout: clear,
			setInterval: interval,
			clearInterval: clear,
		});
	}

	stop(): void {
		Object.assign(globalThis, this.#original);
	}

	/** The delays of the pending timers, in milliseconds. */
	get pending(): (number | undefined)[] {
		return [...this.#pending.values()];
	}
}
