import { currentScope } from '@tmcp-sessions/core/backend';
import type { RequestScope, SessionRecord } from '@tmcp-sessions/core/backend';

import type { SealedSession } from './sealed-ids.ts';

/** What this isolate knows of a session that was opened here. */
export interface OpenedSession extends SealedSession {
	/** What its store had of it, and when that was asked. */
	stored?: { readonly record: SessionRecord | undefined; readonly atMs: number } | undefined;
	/** Whether it subscribed to something here: then its store knows its name. */
	hasSubscribed?: boolean;
}

/** A mebibyte: 4,000 sessions and more, 500 where all ids have as much as fits. */
const MAX_CHARACTERS = 2 ** 20;

/**
 * The sessions whose ids were opened in this isolate, those that were used last. An id is opened
 * once and not with each request; and everything but the handler has only its name.
 */
export class OpenedSessions {
	/** Looked up by all of it: to compare with the id of a known name would take longer the more fits. */
	readonly #byId = new Map<string, OpenedSession>();
	readonly #byName = new Map<string, OpenedSession>();
	/** What a request works with stays there for it, whatever others push out. */
	readonly #ofRequest = new WeakMap<RequestScope, OpenedSession>();
	readonly #all = new WeakSet<object>();
	/** What each takes up, by its id. */
	readonly #lengths = new Map<string, number>();
	#characters = 0;

	/** The session of this id, if it was opened for this principal. */
	find(id: string, principal: string): OpenedSession | undefined {
		const session = this.#byId.get(id);
		return session?.principal === principal ? this.add(session) : undefined;
	}

	/** The session of this name. */
	get(name: string): OpenedSession | undefined {
		const scope = currentScope();
		const own = scope && (this.#ofRequest.get(scope) ?? this.#issuedTo(scope));
		return own?.internalId === name ? own : this.#byName.get(name);
	}

	/** Returns the session that the handler identified before it opened the scope. */
	#issuedTo({ session }: RequestScope): OpenedSession | undefined {
		// Safe because only this class adds objects to the set.
		return session && this.#all.has(session) ? (session as OpenedSession) : undefined;
	}

	/** Keeps a session as the one that was used last. */
	add(session: OpenedSession): OpenedSession {
		const scope = currentScope();
		if (scope) this.#ofRequest.set(scope, session);
		this.#all.add(session);
		this.#hold(session);
		return session;
	}

	/** Notes what the store has of a session, and when that was. */
	learn(session: OpenedSession, record: SessionRecord | undefined, atMs: number): void {
		session.stored = { record, atMs };
		if (this.#byId.get(session.id) === session) this.#hold(session);
	}

	#hold(session: OpenedSession): void {
		this.#forget(session);
		this.#byId.set(session.id, session);
		this.#byName.set(session.internalId, session);
		const length = lengthOf(session);
		this.#lengths.set(session.id, length);
		this.#characters += length;
		for (const oldest of this.#byId.values()) {
			if (this.#characters <= MAX_CHARACTERS) break;
			this.#forget(oldest);
		}
	}

	#forget({ id, internalId }: OpenedSession): void {
		if (!this.#byId.delete(id)) return;
		this.#byName.delete(internalId);
		this.#characters -= this.#lengths.get(id) ?? 0;
		this.#lengths.delete(id);
	}
}

/** In characters. Nobody but a client that says more than fits in an id has anything long stored. */
function lengthOf({ id, said, stored }: OpenedSession): number {
	const isLong = said === undefined && stored?.record !== undefined;
	return id.length + (isLong ? JSON.stringify(stored.record).length : 0);
}
