/** Messages that follow within this time replace each other: each is a write and a notification. */
const INTERVAL_MS = 1_000;
const MAX_LENGTH = 1_000;

/** Limits how often the status message of a task is stored. */
export class StatusLine {
	readonly #write: (message: string) => void;
	readonly #now: () => number;
	#waiting: string | undefined;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#writtenAtMs = -Infinity;

	constructor(write: (message: string) => void, now: () => number) {
		this.#write = write;
		this.#now = now;
	}

	/** Stores a message, at once or when the interval is over. */
	set(message: string): void {
		this.#waiting = message.slice(0, MAX_LENGTH);
		if (this.#timer !== undefined) return;
		const remainingMs = this.#writtenAtMs + INTERVAL_MS - this.#now();
		if (remainingMs <= 0) this.flush();
		else this.#timer = setTimeout(() => this.flush(), remainingMs);
	}

	/** Stores the last message, if it waits. */
	flush(): void {
		const message = this.take();
		if (message !== undefined) this.#write(message);
	}

	/** Returns the last message, if it waits, for a write that stores it with something else. */
	take(): string | undefined {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const message = this.#waiting;
		this.#waiting = undefined;
		if (message !== undefined) this.#writtenAtMs = this.#now();
		return message;
	}
}
