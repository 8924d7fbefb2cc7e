import { currentScope } from '../request-scope.ts';
import type { RequestScope } from '../request-scope.ts';

/**
 * The writes that a request has started, so that its answer can wait for them. A request never
 * waits for those of another: on workerd the promise of a request that has ended never settles.
 */
export class RequestWrites {
	readonly #byOwner = new WeakMap<RequestScope | this, Map<string, Set<Promise<void>>>>();

	/**
	 * Notes a write of the request that runs now.
	 *
	 * @returns what settles with the write and does not reject.
	 */
	add(id: string, write: Promise<void>, onFailure: (error: unknown) => void): Promise<void> {
		const owner = currentScope() ?? this;
		let byId = this.#byOwner.get(owner);
		if (!byId) this.#byOwner.set(owner, (byId = new Map<string, Set<Promise<void>>>()));
		const writes = byId.get(id) ?? new Set();
		byId.set(id, writes.add(write));
		const forget = (): void => {
			writes.delete(write);
			if (writes.size === 0 && byId.get(id) === writes) byId.delete(id);
		};
		return write.then(forget, (error: unknown) => {
			// In a scope a failure stays for `settled`, and goes with its request. Without one, it
			// would be told to requests that it is none of.
			if (owner === this) forget();
			onFailure(error);
		});
	}

	/** Settles when this request's writes of the session have; rejects with the first failure. */
	async settled(id: string): Promise<void> {
		const writes = this.#byOwner.get(currentScope() ?? this)?.get(id);
		if (writes) await Promise.all(writes);
	}
}
