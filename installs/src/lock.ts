/** Lets a bounded number of jobs run at a time, in the order of their calls. */
export class Limit {
	#free: number;
	#waiting: (() => void)[] = [];

	constructor(count: number) {
		this.#free = count;
	}

	/** Resolves when a place is free, with a function that frees it. */
	async acquire(): Promise<() => void> {
		if (this.#free > 0) this.#free -= 1;
		else await new Promise<void>((resolve) => this.#waiting.push(resolve));
		return () => {
			const next = this.#waiting.shift();
			if (next) next();
			else this.#free += 1;
		};
	}

	async run<Result>(job: () => Promise<Result>): Promise<Result> {
		const release = await this.acquire();
		try {
			return await job();
		} finally {
			release();
		}
	}
}
