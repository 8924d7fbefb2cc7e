import { TmcpSessionsError, UnknownSessionError } from '@tmcp-sessions/core';
import { currentScope } from '@tmcp-sessions/core/backend';
import type {
	RequestScope,
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from '@tmcp-sessions/core/backend';

import type { OpenedSession, OpenedSessions } from './opened-sessions.ts';
import { capabilitiesOver } from './sealed-capabilities.ts';
import { isSealedName, PACKAGE } from './sealed-ids.ts';
import type { Said } from './sealed-ids.ts';

/** What is behind the ids. */
export interface SealedStoreOptions {
	readonly opened: OpenedSessions;
	/** Where is kept what changes, if anywhere. */
	readonly rest: SessionStore | undefined;
	/** How long what `rest` said is taken for true. */
	readonly recheckMs: number;
	readonly now: () => number;
}

/**
 * The record of what changes in a sealed session. Its subscriptions are those of a session in `rest`
 * that has its name, so that no two writes of one client meet in one record.
 */
const stateId = (name: string): string => `${name}.state`;

/**
 * The store behind `SealedInfoSessionManager`: what the client said is read from the ids that this
 * isolate has opened, everything else is in `rest`. Nothing is written for a session until there is
 * something to keep: its log level, a subscription, its end, or what was too much for its id.
 *
 * A session that is not sealed is one of `rest` alone: those of a bare `HttpTransport`, and those
 * that were opened before a deployment sealed its sessions.
 */
export class SealedSessionStore implements SessionStore {
	readonly capabilities: StoreCapabilities;
	readonly #opened: OpenedSessions;
	readonly #rest: SessionStore | undefined;
	readonly #recheckMs: number;
	readonly #now: () => number;
	/** Requests that have asked `rest` themselves: what they know is as new as it gets. */
	readonly #askedBy = new WeakSet<RequestScope>();

	constructor({ opened, rest, recheckMs, now }: SealedStoreOptions) {
		this.#opened = opened;
		this.#rest = rest;
		this.#recheckMs = recheckMs;
		this.#now = now;
		this.capabilities = capabilitiesOver(rest?.capabilities, recheckMs / 1000);
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const session = this.#opened.get(id);
		if (!session) return isSealedName(id) ? undefined : this.#rest?.read(id);
		if (this.#hasExpired(session)) return undefined;
		const { stored } = session;
		const isKnown = stored && this.#isFresh(stored.atMs);
		const state = isKnown ? stored.record : await this.#ask(session);
		if (!goesOn(session, state)) return undefined;
		const times = timesOf(session);
		if (session.said === undefined) return { ...structuredClone(state), ...times };
		// Sound: `SealedIds` made it.
		const [clientInfo, clientCapabilities] = JSON.parse(session.said) as Said;
		return { ...times, clientInfo, clientCapabilities, logLevel: state?.logLevel };
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		const session = this.#opened.get(id);
		if (!session) return this.#needRest('a session of a bare HttpTransport').create(id, record);
		if (session.said === undefined) await this.#keep(session, { ...record, ...timesOf(session) });
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		const session = this.#opened.get(id);
		if (!session) return (!isSealedName(id) && (await this.#rest?.update(id, patch))) === true;
		const { logLevel } = patch;
		// Its end does not move, and what its client said does not change.
		if (logLevel === undefined) return (await this.read(id)) !== undefined;
		if (this.#hasExpired(session)) return false;
		const state = await this.#ask(session);
		if (!goesOn(session, state)) return false;
		if (!state) {
			await this.#keep(session, { ...timesOf(session), logLevel });
			return true;
		}
		const isKept = await this.#needRest('a log level').update(stateId(id), { logLevel });
		if (isKept) this.#opened.learn(session, { ...state, logLevel }, this.#now());
		return isKept;
	}

	/** Its subscriptions first: where that fails nothing has ended, and the caller knows. */
	async delete(id: string): Promise<void> {
		const rest = this.#needRest('the end of a session');
		const session = this.#opened.get(id);
		if (!session) return rest.delete(id);
		// A rest that is consistent only in time may not know yet of what was subscribed a moment ago.
		if (session.hasSubscribed || (await rest.read(id))) await rest.delete(id);
		// For as long as anybody may take the id for one of a live session.
		const { createdAtMs, idExpiresAtMs: expiresAtMs } = session;
		await this.#keep(session, { createdAtMs, expiresAtMs, hasEnded: true });
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const rest = this.#needRest('a subscription');
		const session = this.#opened.get(id);
		if (session) {
			if (this.#hasExpired(session) || !goesOn(session, await this.#ask(session))) {
				throw new UnknownSessionError(PACKAGE, 'subscribe to a resource');
			}
			if (!session.hasSubscribed) await rest.create(id, timesOf(session));
			session.hasSubscribed = true;
		}
		return rest.subscribe(id, uri, untilMs);
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		await this.#rest?.unsubscribe(id, uri);
	}

	async subscribers(uri: string): Promise<string[]> {
		return this.#rest?.subscribers(uri) ?? [];
	}

	/** One that has expired is not asked for. */
	#hasExpired({ expiresAtMs }: OpenedSession): boolean {
		return expiresAtMs <= this.#now();
	}

	async #ask(session: OpenedSession): Promise<SessionRecord | undefined> {
		if (!this.#rest) return undefined;
		const { stored } = session;
		const atMs = this.#now();
		const record = await this.#rest.read(stateId(session.internalId));
		const scope = currentScope();
		if (scope) this.#askedBy.add(scope);
		// What was written meanwhile is newer.
		if (session.stored === stored) this.#opened.learn(session, record, atMs);
		return record;
	}

	/**
	 * A GET and a DELETE, which carry no message, ask for themselves: what they open or end goes on for
	 * longer than what was said is taken for true.
	 */
	#isFresh(atMs: number): boolean {
		const scope = currentScope();
		// A clock that was set back makes nothing new again.
		const isRecent = Math.abs(this.#now() - atMs) < this.#recheckMs;
		if (isRecent && (!scope || scope.message !== undefined)) return true;
		return scope !== undefined && this.#askedBy.has(scope);
	}

	async #keep(session: OpenedSession, record: SessionRecord): Promise<void> {
		await this.#needRest('a session').create(stateId(session.internalId), record);
		this.#opened.learn(session, record, this.#now());
	}

	#needRest(what: string): SessionStore {
		if (this.#rest) return this.#rest;
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			`${what} cannot be kept in an id: expected new SealedInfoSessionManager({ keys, rest }), ` +
				'with another manager for it; found no rest. The sealed ids themselves need ' +
				'createMcpHandler of @tmcp-sessions/http',
		);
	}
}

/** Whether a session has not ended, by what `rest` has of it. */
function goesOn({ said }: OpenedSession, state: SessionRecord | undefined): boolean {
	const isKnown = said !== undefined || state !== undefined;
	return isKnown && !state?.hasEnded;
}

type Times = Pick<SessionRecord, 'createdAtMs' | 'expiresAtMs'>;

function timesOf({ createdAtMs, expiresAtMs }: OpenedSession): Times {
	return { createdAtMs, expiresAtMs };
}
