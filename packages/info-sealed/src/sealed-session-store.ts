import { TmcpSessionsError, UnknownSessionError } from '@tmcp-sessions/core';
import { bindingsOf, currentScope, directoryOf, stateOf } from '@tmcp-sessions/core/backend';
import type {
	BindingRequirement,
	BindingUser,
	DirectoryProvider,
	RequestScope,
	SessionDirectory,
	SessionPatch,
	SessionRecord,
	SessionStore,
	StateProvider,
	StateStore,
	StoreCapabilities,
} from '@tmcp-sessions/core/backend';

import type { OpenedSession, OpenedSessions } from './opened-sessions.ts';
import { PACKAGE } from './package-name.ts';
import { sealedCapabilities } from './sealed-capabilities.ts';
import { isSealedInternalId } from './sealed-ids.ts';
import type { ClientMetadata } from './sealed-ids.ts';

/** Options of `SealedSessionStore`. */
export interface SealedStoreOptions {
	readonly opened: OpenedSessions;
	/** Stores mutable state. */
	readonly rest: SessionStore | undefined;
	/** How long a read of `rest` is cached. */
	readonly recheckMs: number;
	/** Whether `rest` indexes every session, see `SealedInfoOptions`. */
	readonly administration: boolean;
	readonly now: () => number;
}

/**
 * Returns the id of the mutable state of a sealed session in `rest`. Its subscriptions belong to another
 * session of `rest`, with the internal id, so that concurrent writes do not update the same record.
 */
const STATE = '.state';
const stateId = (internalId: string): string => internalId + STATE;

/**
 * The store of `SealedInfoSessionManager`. It takes client metadata from the ids that this isolate has
 * opened, and everything else from `rest`. A session is written only if there is something to store:
 * its log level, a subscription, its end, or metadata that does not fit its id.
 *
 * Sessions that are not sealed are in `rest` only: those of a bare `HttpTransport`, and those that were
 * opened before the deployment sealed its sessions.
 */
export class SealedSessionStore
	implements SessionStore, DirectoryProvider, StateProvider, BindingUser
{
	readonly capabilities: StoreCapabilities;
	readonly #opened: OpenedSessions;
	readonly #rest: SessionStore | undefined;
	readonly #recheckMs: number;
	readonly #now: () => number;
	/** Undefined without administration. */
	readonly directory: SessionDirectory | undefined;
	/** The requests that have read `rest` and need not read it again. */
	readonly #readBy = new WeakSet<RequestScope>();

	constructor({ administration, opened, rest, recheckMs, now }: SealedStoreOptions) {
		this.#opened = opened;
		this.#rest = rest;
		this.#recheckMs = recheckMs;
		this.#now = now;
		this.capabilities = sealedCapabilities(rest?.capabilities, recheckMs / 1000);
		const directory = administration && rest ? directoryOf(rest) : undefined;
		this.directory = directory && withoutStates(directory);
	}

	get state(): StateStore | undefined {
		return this.#rest && stateOf(this.#rest);
	}

	requiredBindings(): readonly BindingRequirement[] {
		return bindingsOf(this.#rest);
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const session = this.#opened.get(id);
		if (!session) return isSealedInternalId(id) ? undefined : this.#rest?.read(id);
		if (this.#hasExpired(session)) return undefined;
		const { stored } = session;
		if (stored?.record?.hasEnded) return undefined;
		const isCached = stored && this.#isFresh(stored.atMs);
		const state = isCached ? stored.record : await this.#readState(session);
		if (!isLive(session, state)) return undefined;
		const times = timesOf(session);
		if (session.metadata === undefined) return { ...structuredClone(state), ...times };
		// Safe because `SealedIds` wrote it.
		const [clientInfo, clientCapabilities] = JSON.parse(session.metadata) as ClientMetadata;
		return { ...times, clientInfo, clientCapabilities, logLevel: state?.logLevel };
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		const session = this.#opened.get(id);
		if (!session) return this.#requireRest('a session of a bare HttpTransport').create(id, record);
		if (this.directory) {
			// Subscriptions belong to this session of `rest` too.
			const { clientInfo } = record;
			await this.#requireRest('a session').create(id, { ...timesOf(session), clientInfo });
			session.hasSubscribed = true;
		}
		if (session.metadata !== undefined) return;
		const state = { ...record, ...timesOf(session) };
		await this.#requireRest('a session').create(stateId(session.internalId), state);
		this.#opened.setStored(session, state, this.#now());
	}

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		const session = this.#opened.get(id);
		if (!session)
			return (!isSealedInternalId(id) && (await this.#rest?.update(id, patch, ifAbsent))) === true;
		const { logLevel } = patch;
		// The expiry and the client metadata cannot change.
		if (logLevel === undefined) return (await this.read(id)) !== undefined;
		if (this.#hasExpired(session)) return false;
		// The whole state has to be cached, which contains the client metadata that the id does not.
		const isSealed = session.metadata !== undefined;
		const state = isSealed ? session.stored?.record : await this.#readState(session);
		const initial = { ...timesOf(session), logLevel };
		// One operation: between a read and a write, another isolate could end the session.
		const isUpdated = await this.#requireRest('a log level').update(
			stateId(id),
			{ logLevel },
			isSealed ? initial : undefined,
		);
		if (isUpdated) this.#opened.setStored(session, { ...initial, ...state, logLevel }, this.#now());
		return isUpdated;
	}

	/** Ends the subscriptions first: if that fails, the session has not ended and the caller can retry. */
	async delete(id: string, untilMs?: number): Promise<void> {
		const rest = this.#requireRest('the end of a session');
		const session = this.#opened.get(id);
		if (!session) {
			await rest.delete(id, untilMs);
			// Another isolate has opened this one, and an operator ends it.
			if (isSealedInternalId(id) && untilMs !== undefined) await this.#markEnded(rest, id, untilMs);
			return;
		}
		// The mark must live as long as the id opens.
		const { createdAtMs, idExpiresAtMs: expiresAtMs } = session;
		// An eventually consistent `rest` may not return a session that has just subscribed.
		if (session.hasSubscribed || (await rest.read(id))) await rest.delete(id, expiresAtMs);
		await this.#markEnded(rest, id, expiresAtMs);
		this.#opened.setStored(session, { createdAtMs, expiresAtMs, hasEnded: true }, this.#now());
	}

	/** A mark, because `rest` has no state of most sessions: an end that it forgets is unknown to it. */
	async #markEnded(rest: SessionStore, id: string, expiresAtMs: number): Promise<void> {
		const end = { expiresAtMs, hasEnded: true };
		await rest.update(stateId(id), end, { createdAtMs: this.#now(), ...end });
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const rest = this.#requireRest('a subscription');
		const session = this.#opened.get(id);
		if (session) {
			if (this.#hasExpired(session) || !isLive(session, await this.#readState(session))) {
				throw new UnknownSessionError(PACKAGE, 'subscribe to a resource');
			}
			// With administration, `initialize` has stored it, in another isolate perhaps.
			if (!session.hasSubscribed && !this.directory) await rest.create(id, timesOf(session));
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

	/** An expired session needs no read. */
	#hasExpired({ expiresAtMs }: OpenedSession): boolean {
		return expiresAtMs <= this.#now();
	}

	async #readState(session: OpenedSession): Promise<SessionRecord | undefined> {
		if (!this.#rest) return undefined;
		const { stored } = session;
		const atMs = this.#now();
		const record = await this.#rest.read(stateId(session.internalId));
		const scope = currentScope();
		if (scope) this.#readBy.add(scope);
		// A write that happened during the read is newer.
		if (session.stored === stored) this.#opened.setStored(session, record, atMs);
		return record;
	}

	/**
	 * Whether the cached state of a session may be used. A GET and a DELETE, which carry no message, read
	 * `rest`, because the stream that a GET opens outlives `recheckSeconds`.
	 */
	#isFresh(atMs: number): boolean {
		const scope = currentScope();
		// The absolute difference, because the clock may have been set back.
		const isRecent = Math.abs(this.#now() - atMs) < this.#recheckMs;
		if (isRecent && (!scope || scope.message !== undefined)) return true;
		return scope !== undefined && this.#readBy.has(scope);
	}

	#requireRest(what: string): SessionStore {
		if (this.#rest) return this.#rest;
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			`cannot store ${what} without rest; use new SealedInfoSessionManager({ keys, rest }). ` +
				'Sealed ids themselves require createMcpHandler of @tmcp-sessions/http',
		);
	}
}

/** Whether a session has not ended. Without metadata in its id, it needs a stored state. */
function isLive({ metadata }: OpenedSession, state: SessionRecord | undefined): boolean {
	const isKnown = metadata !== undefined || state !== undefined;
	return isKnown && !state?.hasEnded;
}

type Times = Pick<SessionRecord, 'createdAtMs' | 'expiresAtMs'>;

function timesOf({ createdAtMs, expiresAtMs }: OpenedSession): Times {
	return { createdAtMs, expiresAtMs };
}

/** Lists the sessions of `rest` and not their states. */
function withoutStates(directory: SessionDirectory): SessionDirectory {
	return {
		addOwner: (owner, id, untilMs) => directory.addOwner(owner, id, untilMs),
		sessionsOf: (owner) => directory.sessionsOf(owner),
		removeOwned: (owner, ids) => directory.removeOwned(owner, ids),
		async list(cursor, limit) {
			const page = await directory.list(cursor, limit);
			return { ...page, sessions: page.sessions.filter(({ id }) => !id.endsWith(STATE)) };
		},
	};
}
