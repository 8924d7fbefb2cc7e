import { within } from './expectation.ts';

/** A notification as a client received it. */
export interface Notification {
	method: string;
	params?: Record<string, unknown> | undefined;
}

/** Queues the notifications that a client has received until a step takes them. */
export class Inbox {
	#waiting: Notification[] = [];
	#arrived: () => void = () => undefined;

	/** Adds a notification. */
	readonly receive = (notification: Notification): Promise<void> => {
		this.#waiting.push(notification);
		this.#arrived();
		return Promise.resolve();
	};

	/** Counts the queued notifications of this method. */
	count(method: string): number {
		return this.#waiting.filter((notification) => notification.method === method).length;
	}

	/**
	 * Takes the oldest notification of this method, waiting for one if there is none.
	 *
	 * @throws {UnmetExpectation} if none arrives within `timeoutMs`.
	 */
	take(method: string, timeoutMs = 5_000): Promise<Notification> {
		return within(timeoutMs, method, this.#next(method), () => this.#contents());
	}

	/** Removes all queued notifications. */
	clear(): void {
		this.#waiting = [];
	}

	async #next(method: string): Promise<Notification> {
		for (;;) {
			const index = this.#waiting.findIndex((notification) => notification.method === method);
			const [found] = index < 0 ? [] : this.#waiting.splice(index, 1);
			if (found !== undefined) return found;
			await new Promise<void>((resolve) => (this.#arrived = resolve));
		}
	}

	#contents(): string {
		const methods = this.#waiting.map(({ method }) => method);
		return methods.length === 0 ? 'no notification' : `only ${methods.join(', ')}`;
	}
}
