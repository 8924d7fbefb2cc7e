import { currentScope, type RequestScope } from './request-scope.ts';
import type { SessionRecord } from './session-store.ts';

/** A getter of tmcp's `InfoSessionManager`, named by what it gets. */
export type Field = 'clientInfo' | 'clientCapabilities' | 'logLevel';

type Read = Promise<SessionRecord | undefined>;

/** A read made without a scope: each getter may use it once. */
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
	readonly #bare = new Map<string, BareRead[]>();
	readonly #now: () => number;

	constructor(now: () => number) {
		this.#now = now;
	}

	/** The record for one getter of one request, loaded where this request has not loaded it yet. */
	async get(id: string, field: Field, load: () => Read): Read {
		const scope = currentScope();
		if (scope) return this.#inScope(scope, id, load);

		const left = this.#bare.get(id)?.findLast((read) => read.unused.has(field));
		if (left && this.#isFresh(left)) {
			left.unused.delete(field);
			return left.record;
		}
		const record = await load();
		this.#leave(id, record, field);
		return record;
	}

	/** The record as this request knows it already, else loaded. */
	async latest(id: string, load: () => Read): Read {
		const scope = currentScope();
		if (scope) return this.#inScope(scope, id, load);
		const last = this.#bare.get(id)?.at(-1);
		return last && this.#isFresh(last) ? last.record : load();
	}

	/** Forgets what was read of a session, since it is being written. */
	forget(id: string): void {
		this.#bare.delete(id);
		const scope = currentScope();
		if (scope) this.#byScope.get(scope)?.delete(id);
	}

	#inScope(scope: RequestScope, id: string, load: () => Read): Read {
		let reads = this.#byScope.get(scope);
		if (!reads) this.#byScope.set(scope, (reads = new Map<string, Read>()));
		let read = reads.get(id);
		if (!read) reads.set(id, (read = load()));
		return read;
	}

	#leave(id: string, record: SessionRecord | undefined, usedBy: Field): void {
		const reads = (this.#bare.get(id) ?? []).filter((read) => this.#isFresh(read));
		const unused = new Set(FIELDS.filter((field) => field !== usedBy));
		reads.push({ record, atMs: this.#now(), unused });
		// Re-inserted, so that the map stays ordered by the time of the last read.
		this.#bare.delete(id);
		this.#bare.set(id, reads);
		for (const [oldest, left] of this.#bare) {
			if (left.some((read) => this.#isFresh(read))) break;
			this.#bare.delete(oldest);
		}
	}

	#isFresh(read: BareRead): boolean {
		return this.#now() - read.atMs < BARE_READ_LIFETIME_MS;
	}
}
