import { currentScope, type RequestScope } from '../request-scope.ts';
import type { SessionRecord } from '../store/session-store.ts';

/** A getter of tmcp's `InfoSessionManager`, named after its result. */
export type Field = 'clientInfo' | 'clientCapabilities' | 'logLevel';

type Read = Promise<SessionRecord | undefined>;

/** A record that was read without a scope. Each getter in `unused` may still return it once. */
interface UnscopedRead {
	readonly record: SessionRecord | undefined;
	readonly atMs: number;
	readonly unused: Set<Field>;
}

const FIELDS: readonly Field[] = ['clientInfo', 'clientCapabilities', 'logLevel'];
const UNSCOPED_READ_LIFETIME_MS = 5_000;

/**
 * Shares one read among the getters that a transport calls one after the other for a request.
 *
 * With a scope, the getters share the promise. Without one, the request of a getter is unknown, and
 * workerd requests must not await promises of other requests (they may never settle). So the cache
 * stores the record itself, and each of the other getters may take it once.
 */
export class RequestReadCache {
	readonly #byScope = new WeakMap<RequestScope, Map<string, Read>>();
	/** Reads that some getter has not used yet. An aborted request leaves one. */
	readonly #unused = new Map<string, UnscopedRead[]>();
	/** The last read of each session, ordered by time. */
	readonly #last = new Map<string, UnscopedRead>();
	readonly #now: () => number;

	constructor(now: () => number) {
		this.#now = now;
	}

	/** Returns the record for one getter, loading it once per request. */
	get(id: string, field: Field, load: () => Read): Read {
		const scope = currentScope();
		return scope ? this.#getScoped(scope, id, load) : this.#getUnscoped(id, field, load);
	}

	/** Returns the record as this request has read it, or loads it. */
	async latest(id: string, load: () => Read): Read {
		const scope = currentScope();
		if (scope) return this.#getScoped(scope, id, load);
		const last = this.#last.get(id);
		return last && this.#isFresh(last) ? last.record : load();
	}

	/** Returns the record as this request has read it. Reads nothing. */
	known(id: string): Read | undefined {
		const scope = currentScope();
		return scope && this.#byScope.get(scope)?.get(id);
	}

	/** Removes the reads of a session. Call it before a write. */
	forget(id: string): void {
		this.#unused.delete(id);
		this.#last.delete(id);
		const scope = currentScope();
		if (scope) this.#byScope.get(scope)?.delete(id);
	}

	async #getUnscoped(id: string, field: Field, load: () => Read): Read {
		const cached = this.#unused.get(id)?.findLast((read) => read.unused.has(field));
		if (cached && this.#isFresh(cached)) {
			cached.unused.delete(field);
			if (cached.unused.size === 0) this.#remove(id, cached);
			return cached.record;
		}
		const record = await load();
		this.#add(id, record, field);
		return record;
	}

	#getScoped(scope: RequestScope, id: string, load: () => Read): Read {
		let reads = this.#byScope.get(scope);
		if (!reads) this.#byScope.set(scope, (reads = new Map<string, Read>()));
		let read = reads.get(id);
		if (!read) reads.set(id, (read = load()));
		return read;
	}

	#add(id: string, record: SessionRecord | undefined, usedBy: Field): void {
		const unused = new Set(FIELDS.filter((field) => field !== usedBy));
		const read: UnscopedRead = { record, atMs: this.#now(), unused };
		const fresh = this.#unused.get(id)?.filter((each) => this.#isFresh(each)) ?? [];
		this.#unused.set(id, [...fresh, read]);
		// Delete first, so that the map stays ordered by time.
		this.#last.delete(id);
		this.#last.set(id, read);
		for (const [oldest, last] of this.#last) {
			if (this.#isFresh(last)) break;
			this.#last.delete(oldest);
			this.#unused.delete(oldest);
		}
	}

	#remove(id: string, read: UnscopedRead): void {
		const reads = this.#unused.get(id);
		if (reads && reads.length > 1) reads.splice(reads.indexOf(read), 1);
		else this.#unused.delete(id);
	}

	#isFresh(read: UnscopedRead): boolean {
		// `Math.abs`, so that a clock that was set back does not make an old read fresh again.
		return Math.abs(this.#now() - read.atMs) < UNSCOPED_READ_LIFETIME_MS;
	}
}
