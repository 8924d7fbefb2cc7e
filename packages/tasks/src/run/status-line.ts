import type { TaskPatch } from '../task/task-record.ts';

/** Messages that follow within this time replace each other: each is a write and a notification. */
const INTERVAL_MS = 1_000;
const MAX_LENGTH = 1_000;

/** What a status line stores. */
export type TaskStatusLine = Pick<TaskPatch, 'progress' | 'statusMessage'>;

/** Limits how often the status message of a task is stored. */
export class StatusLine {
	readonly #write: (line: TaskStatusLine) => void;
	readonly #now: () => number;
	#waiting: TaskStatusLine | undefined;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#writtenAtMs = -Infinity;

	constructor(write: (line: TaskStatusLine) => void, now: () => number) {
		this.#write = write;
		this.#now = now;
	}

	/**
	 * Stores a message, at once or when the interval is over.
	 *
	 * @param progress Default: stays as it is.
	 */
	set(message: string, progress: TaskPatch['progress'] = this.#waiting?.progress): void {
		const statusMessage = message.slice(0, MAX_LENGTH);
		this.#waiting = progress ? { statusMessage, progress } : { statusMessage };
		if (this.#timer !== undefined) return;
		const remainingMs = this.#writtenAtMs + INTERVAL_MS - this.#now();
		if (remainingMs <= 0) this.flush();
		else this.#timer = setTimeout(() => this.flush(), remainingMs);
	}

	/** Stores the last message, if it waits. */
	flush(): void {
		const line = this.take();
		if (line) this.#write(line);
	}

	/** Returns the last message, if it waits, for a write that stores it with something else. */
	take(): TaskStatusLine | undefined {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const line = this.#waiting;
		this.#waiting = undefined;
		if (line) this.#writtenAtMs = this.#now();
		return line;
	}
}
