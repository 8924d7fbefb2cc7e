import type { ClientInfo, IssuedSession, SessionSealing } from '@tmcp-sessions/core/backend';
import { createSessionIds, hasSessionSealing } from '@tmcp-sessions/core/internal';
import type { SessionIds } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager } from '@tmcp/session-manager';

import { invalidRequest, unknownSession } from '../request/http-rejection.ts';
import { isObject } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestOrigin } from '../request/request-context.ts';
import { servedVersion } from '../validation/headers.ts';
import type { SessionSource } from './session-source.ts';
import { checkKeysOfProcess } from './session-keys.ts';
import type { SessionKeys } from './session-keys.ts';

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** The ids of stored sessions begin with this; those of sealed sessions do not. */
const STORED = '1.';

/** Some 700 KB of ids. */
const MAX_VERIFIED = 2_000;

/** Makes and verifies session ids, as `createSessionIds` does. */
export type SessionIdIssuer = Pick<SessionIds, 'mint' | 'verify' | 'internalIdOf'>;

/** A session whose MAC was verified for a principal. */
interface VerifiedSession {
	readonly principal: string;
	readonly session: IssuedSession;
}

/** Makes session ids, and verifies that an id was made here for its principal. Costs no read. */
export class SessionIdentifier implements SessionSource {
	readonly #ids: SessionIdIssuer;
	readonly #keys: SessionKeys;
	/** The info manager, if it seals sessions into their ids. */
	readonly #sealing: SessionSealing | undefined;
	/** By id: a client sends the same one with every request. */
	readonly #verified = new Map<string, VerifiedSession>();

	/** @throws {TmcpSessionsError} `configuration` if a key is too short. */
	constructor(
		keys: SessionKeys,
		info: InfoSessionManager | undefined,
		createIssuer?: (ids: SessionIds) => SessionIdIssuer,
	) {
		const ids = createSessionIds({ keys: keys.secrets });
		this.#ids = createIssuer?.(ids) ?? ids;
		this.#keys = keys;
		this.#sealing = info && hasSessionSealing(info) ? info : undefined;
	}

	/** @throws {TmcpSessionsError} `configuration` if this host needs keys that are missing. */
	checkHost(url: URL): void {
		if (this.#keys.isOfThisProcess && !this.#sealing) checkKeysOfProcess(url);
	}

	/** Opens a session. Its id is never one that the client sent, and might share with others. */
	async open({ pickShard, principal }: RequestOrigin, params: JsonObject): Promise<IssuedSession> {
		const { clientInfo, capabilities: clientCapabilities, protocolVersion } = params;
		const shard = pickShard();
		// The server rejects other types; there will be no session.
		if (!this.#sealing || !isObject(clientInfo) || !isObject(clientCapabilities)) {
			return this.#stored(await this.#ids.mint(principal, shard));
		}
		return this.#sealing.sealSession({
			principal,
			shard,
			// Safe because the server rejects other fields, as above.
			clientInfo: clientInfo as unknown as ClientInfo,
			clientCapabilities,
			protocolVersion: servedVersion(protocolVersion),
		});
	}

	require(origin: RequestOrigin): IssuedSession | Promise<IssuedSession> {
		const id = origin.headers.get('mcp-session-id');
		if (!id) {
			throw invalidRequest('The Mcp-Session-Id header is missing; open a session with initialize');
		}
		if (!VISIBLE_ASCII.test(id)) {
			throw invalidRequest('The Mcp-Session-Id header must hold visible ASCII characters only');
		}
		// Hot path: without a promise if the id is known, as it is for all requests of a session but one.
		return this.#known(id, origin) ?? this.#requireUnknown(id, origin);
	}

	async #requireUnknown(id: string, origin: RequestOrigin): Promise<IssuedSession> {
		const session = await this.find(id, origin);
		if (!session) throw unknownSession();
		return session;
	}

	#known(id: string, { principal }: RequestOrigin): IssuedSession | undefined {
		const verified = this.#verified.get(id);
		return verified?.principal === principal ? verified.session : undefined;
	}

	async find(id: string, origin: RequestOrigin): Promise<IssuedSession | undefined> {
		const { principal } = origin;
		// Sessions that were opened before a deployment sealed them stay in their store.
		if (this.#sealing && !id.startsWith(STORED)) return this.#sealing.openSession(id, principal);
		const known = this.#known(id, origin);
		if (known) return known;
		if (!(await this.#ids.verify(id, principal))) return undefined;
		const session = this.#stored(id);
		if (this.#verified.size >= MAX_VERIFIED) this.#verified.clear();
		this.#verified.set(id, { principal, session });
		return session;
	}

	#stored(id: string): IssuedSession {
		return { id, internalId: this.#ids.internalIdOf(id) };
	}
}
