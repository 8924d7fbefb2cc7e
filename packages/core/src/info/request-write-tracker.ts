import { currentScope } from '../request-scope.ts';
import type { RequestScope } from '../request-scope.ts';

/**
 * Tracks the writes of each request, so that its response can wait for them. A request never awaits
 * the writes of another: on workerd, promises of a request that has ended never settle.
 */
export class RequestWriteTracker {
	/** By request scope, or `this` without one, then by session. */
	readonly #byOwner = new WeakMap<RequestScope | this, Map<string, Set<Promise<void>>>>();

	/**
	 * Adds a write of the current request.
	 *
	 * @returns a promise that settles with the write and never rejects.
	 */
	add(id: string, write: Promise<void>, onFailure: (error: unknown) => void): Promise<void> {
		const owner = currentScope() ?? this;
		let byId = this.#byOwner.get(owner);
		if (!byId) this.#byOwner.set(owner, (byId = new Map<string, Set<Promise<void>>>()));
		const writes = byId.get(id) ?? new Set();
		byId.set(id, writes.add(write));
		const remove = (): void => {
			writes.delete(write);
			if (writes.size === 0 && byId.get(id) === writes) byId.delete(id);
		};
		return write.then(remove, (error: unknown) => {
			// With a scope, a failure stays for `settled` until the scope is collected. Without one,
			// other requests would get it.
			if (owner === this) remove();
			onFailure(error);
		});
	}

	/** Waits for the current request's writes of a session; rejects with the first failure. */
	async settled(id: string): Promise<void> {
		const writes = this.#byOwner.get(currentScope() ?? this)?.get(id);
		if (writes) await Promise.all(writes);
	}
}
