import { AsyncLocalStorage } from 'node:async_hooks';

/** Performs one operation of a backend, once the order of the running test allows it. */
export type Step = <Result>(proceed: () => Promise<Result>) => Promise<Result>;

/** Chooses which one of `count` operations continues: an index. */
export type Choose = (count: number) => number;

/** A store operation that runs concurrently with others, of which one continues at a time. */
interface Concurrent {
	readonly run: () => Promise<unknown>;
	/** The backend operations that wait for their turn, in the order in which they began. */
	readonly waiting: (() => Promise<void>)[];
	state: 'new' | 'running' | 'done';
}

/**
 * Runs store operations concurrently, one backend operation at a time, in an order that a test chooses.
 * The bindings of the stores pass each of their operations to `step`.
 */
export class Interleavings {
	readonly #current = new AsyncLocalStorage<Concurrent>();
	#notify: () => void = () => {};

	/** Bound, so that it can be passed as a function. Does not delay what runs outside of `run`. */
	readonly step: Step = (proceed) => {
		const operation = this.#current.getStore();
		if (!operation) return proceed();
		return new Promise((resolve, reject) => {
			operation.waiting.push(() => proceed().then(resolve, reject));
			this.#notify();
		});
	};

	/**
	 * Runs the operations to their end. The chosen one performs its next backend operation, and continues
	 * until it waits for its turn again. Ignores rejections.
	 */
	async run(operations: readonly (() => Promise<unknown>)[], choose: Choose): Promise<void> {
		const all = operations.map((run): Concurrent => ({ run, waiting: [], state: 'new' }));
		for (;;) {
			const unfinished = all.filter(({ state }) => state !== 'done');
			const chosen = unfinished[unfinished.length > 1 ? choose(unfinished.length) : 0];
			if (!chosen) return;
			if (chosen.state === 'new') {
				this.#begin(chosen);
				await this.#settled(all);
			}
			await chosen.waiting.shift()?.();
			await this.#settled(all);
		}
	}

	#begin(operation: Concurrent): void {
		operation.state = 'running';
		const end = (): void => {
			operation.state = 'done';
			this.#notify();
		};
		this.#current.run(operation, operation.run).then(end, end);
	}

	/** Waits until every operation that has begun waits for its turn, or has ended. */
	async #settled(all: readonly Concurrent[]): Promise<void> {
		const isRunning = ({ state, waiting }: Concurrent): boolean =>
			state === 'running' && waiting.length === 0;
		while (all.some(isRunning)) await new Promise<void>((resolve) => (this.#notify = resolve));
	}
}

/**
 * Calls `run` once for each order in which it can continue its operations.
 *
 * @returns the number of orders.
 */
export async function everyOrder(run: (choose: Choose) => Promise<void>): Promise<number> {
	let planned: number[] = [];
	for (let orders = 1; ; orders++) {
		const taken: { readonly choice: number; readonly count: number }[] = [];
		await run((count) => {
			const choice = planned[taken.length] ?? 0;
			taken.push({ choice, count });
			return choice;
		});
		// The next order differs in the last choice that has an alternative left.
		const last = taken.findLastIndex(({ choice, count }) => choice + 1 < count);
		if (last === -1) return orders;
		planned = taken.slice(0, last + 1).map(({ choice }, at) => (at === last ? choice + 1 : choice));
	}
}
