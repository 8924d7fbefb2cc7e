import { currentScope } from '@tmcp-sessions/core/backend';
import type { RequestScope, SessionRecord } from '@tmcp-sessions/core/backend';

import type { SealedSession } from './sealed-ids.ts';

/** A session whose id this isolate has opened. */
export interface OpenedSession extends SealedSession {
	/** The state that `rest` stored for it, and when that was read or written. */
	stored?: { readonly record: SessionRecord | undefined; readonly atMs: number } | undefined;
	/** Whether this isolate has subscribed it, so that `rest` has a session of its internal id. */
	hasSubscribed?: boolean;
}

/** Holds 4,000 usual sessions, or 500 with ids of the maximum length. */
const MAX_CHARACTERS = 2 ** 20;

/**
 * Caches the most recently used sessions whose ids this isolate has opened: an id is decrypted once
 * instead of on each request. Also maps internal ids, which is all that managers get, to sessions.
 */
export class OpenedSessions {
	/** Keyed by the whole id: comparing ids of the same internal id would reveal their common length. */
	readonly #byId = new Map<string, OpenedSession>();
	readonly #byInternalId = new Map<string, OpenedSession>();
	/** Keeps the session of a request available to it, even after its eviction. */
	readonly #byRequest = new WeakMap<RequestScope, OpenedSession>();
	/** Distinguishes the sessions of this cache in `RequestScope.session`. */
	readonly #all = new WeakSet<object>();
	/** The counted characters of each session, by id. */
	readonly #lengths = new Map<string, number>();
	#characters = 0;

	/** Returns the session of an id, if it was opened for this principal. */
	find(id: string, principal: string): OpenedSession | undefined {
		const session = this.#byId.get(id);
		return session?.principal === principal ? this.add(session) : undefined;
	}

	/** Returns the session of an internal id. */
	get(internalId: string): OpenedSession | undefined {
		const scope = currentScope();
		const own = scope && (this.#byRequest.get(scope) ?? this.#issuedTo(scope));
		return own?.internalId === internalId ? own : this.#byInternalId.get(internalId);
	}

	/** Returns the session that the handler identified before it opened the scope. */
	#issuedTo({ session }: RequestScope): OpenedSession | undefined {
		// Safe because only this class adds objects to the set.
		return session && this.#all.has(session) ? (session as OpenedSession) : undefined;
	}

	/** Adds a session as the most recently used one. */
	add(session: OpenedSession): OpenedSession {
		const scope = currentScope();
		if (scope) this.#byRequest.set(scope, session);
		this.#all.add(session);
		this.#insert(session);
		return session;
	}

	/** Caches the stored state of a session. An ended one stays ended. */
	setStored(session: OpenedSession, record: SessionRecord | undefined, atMs: number): void {
		if (session.stored?.record?.hasEnded) return;
		session.stored = { record, atMs };
		if (this.#byId.get(session.id) === session) this.#insert(session);
	}

	#insert(session: OpenedSession): void {
		this.#remove(session);
		this.#byId.set(session.id, session);
		this.#byInternalId.set(session.internalId, session);
		const length = lengthOf(session);
		this.#lengths.set(session.id, length);
		this.#characters += length;
		for (const oldest of this.#byId.values()) {
			if (this.#characters <= MAX_CHARACTERS) break;
			this.#remove(oldest);
		}
	}

	#remove({ id, internalId }: OpenedSession): void {
		if (!this.#byId.delete(id)) return;
		this.#byInternalId.delete(internalId);
		this.#characters -= this.#lengths.get(id) ?? 0;
		this.#lengths.delete(id);
	}
}

/** Counts characters. A stored record is long only if the client metadata did not fit the id. */
function lengthOf({ id, metadata, stored }: OpenedSession): number {
	const isLong = metadata === undefined && stored?.record !== undefined;
	return id.length + (isLong ? JSON.stringify(stored.record).length : 0);
}
