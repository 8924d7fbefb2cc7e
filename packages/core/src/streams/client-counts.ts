import { StreamError } from '../errors.ts';

/** Counts what each client holds open in this process, so that none takes the room of all. */
export class ClientCounts {
	readonly #max: number;
	readonly #reason: string;
	readonly #counts = new Map<string, number>();

	/** @param reason why one more is rejected. */
	constructor(max: number, reason: string) {
		this.#max = max;
		this.#reason = reason;
	}

	/**
	 * Counts one more of a client.
	 *
	 * @param client as `RequestScope.client`. An unknown one is not counted.
	 * @returns ends the count. Call it once.
	 * @throws {StreamError} if the client holds the most that it may.
	 */
	add(client: string | undefined, operation: string): () => void {
		if (!client) return () => {};
		const count = this.#counts.get(client) ?? 0;
		if (count >= this.#max) {
			throw new StreamError('core', operation, this.#reason, this.#reason);
		}
		this.#counts.set(client, count + 1);
		return () => {
			const remaining = (this.#counts.get(client) ?? 0) - 1;
			if (remaining > 0) this.#counts.set(client, remaining);
			else this.#counts.delete(client);
		};
	}
}
