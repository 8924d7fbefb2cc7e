import { currentScope, type RequestScope } from '../request-scope.ts';
import type { SessionRecord } from '../store/session-store.ts';

/** A getter of tmcp's `InfoSessionManager`, named by what it gets. */
export type Field = 'clientInfo' | 'clientCapabilities' | 'logLevel';

type Read = Promise<SessionRecord | undefined>;

/** A read made without a scope: each of these getters may still use it once. */
interface BareRead {
	readonly record: SessionRecord | undefined;
	readonly atMs: number;
	readonly unused: Set<Field>;
}

const FIELDS: readonly Field[] = ['clientInfo', 'clientCapabilities', 'logLevel'];
const BARE_READ_LIFETIME_MS = 5_000;

/**
 * Lets the getters that a transport calls one after the other for one request share one read.
 *
 * With a scope they share its promise. Without one, nothing says which request a call belongs to,
 * and a promise of another request must not be awaited on workerd (it may never settle). So the
 * record itself is left behind, for each of the other getters to take once.
 */
export class RequestReads {
	readonly #byScope = new WeakMap<RequestScope, Map<string, Read>>();
	/** Reads that some getter has not used yet. A request that breaks off leaves one behind. */
	readonly #unused = new Map<string, BareRead[]>();
	/** The last read of each session, ordered by its time. */
	readonly #last = new Map<string, BareRead>();
	readonly #now: () => number;

	constructor(now: () => number) {
		this.#now = now;
	}

	/** The record for one getter of one request, loaded where this request has not loaded it yet. */
	get(id: string, field: Field, load: () => Read): Read {
		const scope = currentScope();
		return scope ? this.#inScope(scope, id, load) : this.#bare(id, field, load);
	}

	/** The record as this request knows it already, else loaded. */
	async latest(id: string, load: () => Read): Read {
		const scope = currentScope();
		if (scope) return this.#inScope(scope, id, load);
		const last = this.#last.get(id);
		return last && this.#isFresh(last) ? last.record : load();
	}

	/** Forgets what was read of a session, since it is being written. */
	forget(id: string): void {
		this.#unused.delete(id);
		this.#last.delete(id);
		const scope = currentScope();
		if (scope) this.#byScope.get(scope)?.delete(id);
	}

	async #bare(id: string, field: Field, load: () => Read): Read {
		const left = this.#unused.get(id)?.findLast((read) => read.unused.has(field));
		if (left && this.#isFresh(left)) {
			left.unused.delete(field);
			if (left.unused.size === 0) this.#drop(id, left);
			return left.record;
		}
		const record = await load();
		this.#leave(id, record, field);
		return record;
	}

	#inScope(scope: RequestScope, id: string, load: () => Read): Read {
		let reads = this.#byScope.get(scope);
		if (!reads) this.#byScope.set(scope, (reads = new Map<string, Read>()));
		let read = reads.get(id);
		if (!read) reads.set(id, (read = load()));
		return read;
	}

	#leave(id: string, record: SessionRecord | undefined, usedBy: Field): void {
		const unused = new Set(FIELDS.filter((field) => field !== usedBy));
		const read: BareRead = { record, atMs: this.#now(), unused };
		const fresh = this.#unused.get(id)?.filter((each) => this.#isFresh(each)) ?? [];
		this.#unused.set(id, [...fresh, read]);
		// Re-inserted, so that the map stays ordered.
		this.#last.delete(id);
		this.#last.set(id, read);
		for (const [oldest, last] of this.#last) {
			if (this.#isFresh(last)) break;
			this.#last.delete(oldest);
			this.#unused.delete(oldest);
		}
	}

	#drop(id: string, read: BareRead): void {
		const reads = this.#unused.get(id);
		if (reads && reads.length > 1) reads.splice(reads.indexOf(read), 1);
		else this.#unused.delete(id);
	}

	#isFresh(read: BareRead): boolean {
		// A clock that was set back makes nothing new again.
		return Math.abs(this.#now() - read.atMs) < BARE_READ_LIFETIME_MS;
	}
}
