import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { ErrorCode } from '@tmcp-sessions/core';
import type { ClientInfo, IssuedSession, SessionSealing } from '@tmcp-sessions/core/backend';
import {
	createSessionIds,
	hasSessionExpiry,
	hasSessionSealing,
} from '@tmcp-sessions/core/internal';
import type { SessionIds } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager } from '@tmcp/session-manager';

import type { HandlerSeams, SessionIdIssuer } from '../endpoint/handler-seams.ts';
import { servedVersion } from '../validation/headers.ts';
import { isObject } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { invalidRequest, unknownSession } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';
import type { RequestContext } from '../request/request-context.ts';
import { checkKeysOfProcess } from './session-keys.ts';
import type { SessionKeys } from './session-keys.ts';
import type { SessionKeepAlive } from './session-keep-alive.ts';

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** What the ids of stored sessions begin with. */
const STORED = '1.';

/** By then an end is known that was on its way when a stream was opened, in Workers KV too. */
const FIRST_LOOK_MS = 70_000;

/** Some 300 KB of ids. */
const MAX_VERIFIED = 2_000;

/** Whose id a request carries, and whether that session is live. */
export class SessionResolver {
	readonly #ids: SessionIds;
	readonly #keys: SessionKeys;
	readonly #info: InfoSessionManager;
	/** The info manager, where it makes the ids itself. */
	readonly #sealing: SessionSealing | undefined;
	/** Other ids than those that the keys make by themselves. */
	readonly #names: SessionIdIssuer | undefined;
	/** Ids whose MAC was right, and whose they are. */
	readonly #verified = new Map<string, string>();

	/** @throws {TmcpSessionsError} `configuration`, where a key is too short. */
	constructor(keys: SessionKeys, info: InfoSessionManager, names?: HandlerSeams['names']) {
		this.#ids = createSessionIds({ keys: keys.secrets });
		this.#names = names?.(this.#ids);
		this.#keys = keys;
		this.#info = info;
		this.#sealing = hasSessionSealing(info) ? info : undefined;
	}

	/** Whether log levels, subscriptions and the ends of sessions are kept. */
	get storesMutableState(): boolean {
		return this.#sealing?.storesMutableState ?? true;
	}

	/** @throws {TmcpSessionsError} `configuration`, where keys are missing that this host needs. */
	checkHost(url: URL): void {
		if (this.#keys.isOfThisProcess && !this.#sealing) checkKeysOfProcess(url);
	}

	/**
	 * A new session. Its id is never one that the client chose: it might know it.
	 *
	 * @param said the params of `initialize`.
	 * @param shard where it is to live.
	 * @param headers of the request that opens it.
	 * @throws {TmcpSessionsError} `session-too-large`, where they are too much for an id.
	 */
	async open(
		principal: string,
		said: JsonObject,
		shard: string,
		headers: CachedHeaders,
	): Promise<IssuedSession> {
		if (this.#names) {
			const id = await this.#names.open(principal, headers);
			return { id, internalId: id };
		}
		const { clientInfo, capabilities: clientCapabilities, protocolVersion } = said;
		// The server refuses what is none of this; there will be no session.
		if (!this.#sealing || !isObject(clientInfo) || !isObject(clientCapabilities)) {
			const id = await this.#ids.mint(principal, shard);
			return { id, internalId: id };
		}
		return this.#sealing.sealSession({
			principal,
			shard,
			// Sound: as above, for what they hold.
			clientInfo: clientInfo as unknown as ClientInfo,
			clientCapabilities,
			protocolVersion: servedVersion(protocolVersion),
		});
	}

	/**
	 * The session of this principal that a request names, live or not. Costs no read.
	 *
	 * @throws {HttpRejection} 400 without an id or with one that is no id; 404 for one that is forged or
	 * someone else's.
	 */
	async named(headers: CachedHeaders, principal: string): Promise<IssuedSession> {
		const id = headers.get('mcp-session-id');
		if (!id) {
			throw invalidRequest('The Mcp-Session-Id header is missing; open a session with initialize');
		}
		if (!VISIBLE_ASCII.test(id)) {
			throw invalidRequest('The Mcp-Session-Id header must hold visible ASCII characters only');
		}
		const session = await this.#identify(id, principal, headers);
		if (!session) throw unknownSession();
		return session;
	}

	/**
	 * The live session of this principal that a request names.
	 *
	 * @throws {HttpRejection} 400 without an id or with one that is no id; 404 for a session that is
	 * forged, someone else's, ended or expired. Only an id that was made here costs a read.
	 * @throws {StoreError} where nobody can say whether the session is live.
	 */
	async require(headers: CachedHeaders, principal: string): Promise<IssuedSession> {
		const session = await this.named(headers, principal);
		if (await this.#isLive(session)) return session;
		throw unknownSession();
	}

	/** How the session that a stream is of is looked after; not, where it does not expire here. */
	watch({ headers, principal, publicSessionId: id }: RequestContext): SessionKeepAlive | undefined {
		const info = this.#info;
		if (!hasSessionExpiry(info)) return undefined;
		const isLive = async (): Promise<boolean> => {
			const session = await this.#identify(id, principal, headers);
			return session !== undefined && this.#isLive(session);
		};
		return { idleMs: info.idleMs, firstLookMs: FIRST_LOOK_MS, isLive };
	}

	/** @throws {StoreError} where nobody can say. */
	async #isLive({ internalId }: IssuedSession): Promise<boolean> {
		// The read is the one that the transport's own three share: none of them fails after it.
		try {
			return (await this.#info.getClientCapabilities(internalId)) !== undefined;
		} catch (error) {
			// tmcp's own manager rejects for a session that it does not know.
			if (error instanceof TmcpSessionsError && !OF_ITS_SESSION.has(error.code)) throw error;
			return false;
		}
	}

	/** Whose id this is, if it was made here for this principal: no storage is asked. */
	async #identify(
		id: string,
		principal: string,
		headers: CachedHeaders,
	): Promise<IssuedSession | undefined> {
		// Sessions that were opened before a deployment sealed them go on where they are stored.
		if (this.#sealing && !id.startsWith(STORED)) return this.#sealing.openSession(id, principal);
		// A MAC is checked once in an isolate: a client sends the same id with all that it sends.
		if (this.#verified.get(id) !== principal) {
			const isOurs = this.#names
				? await this.#names.verify(id, principal, headers)
				: await this.#ids.verify(id, principal);
			if (!isOurs) return undefined;
			if (this.#verified.size >= MAX_VERIFIED) this.#verified.clear();
			this.#verified.set(id, principal);
		}
		return { id, internalId: id };
	}
}

const OF_ITS_SESSION: ReadonlySet<ErrorCode> = new Set([
	'corrupt-record',
	'invalid-session-id',
	'unknown-session',
]);
