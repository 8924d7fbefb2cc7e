import { createSessionIds, TmcpSessionsError } from '@tmcp-sessions/core';
import type { ErrorCode } from '@tmcp-sessions/core';
import type { InfoSessionManager } from '@tmcp/session-manager';

import type { HandlerSeams, SessionNames } from './handler-seams.ts';
import { invalidRequest, unknownSession } from './refusal.ts';
import type { RequestHeaders } from './request-headers.ts';
import { checkKeysOfProcess } from './session-keys.ts';
import type { SessionKeys } from './session-keys.ts';

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Some 300 KB of ids. */
const MAX_VERIFIED = 2_000;

/** Whose id a request carries, and whether that session is live. */
export class SessionRules {
	readonly #names: SessionNames;
	readonly #keys: SessionKeys;
	readonly #info: InfoSessionManager;
	/** Ids whose MAC was right, and whose they are. */
	readonly #verified = new Map<string, string>();

	/**
	 * @param named other ids than those that the keys make by themselves.
	 * @throws {TmcpSessionsError} `configuration`, where a key is too short.
	 */
	constructor(keys: SessionKeys, info: InfoSessionManager, named?: HandlerSeams['names']) {
		const ids = createSessionIds({ keys: keys.secrets });
		this.#names = named?.(ids) ?? {
			open: (principal) => ids.mint(principal),
			verify: (id, principal) => ids.verify(id, principal),
		};
		this.#keys = keys;
		this.#info = info;
	}

	/** @throws {TmcpSessionsError} `configuration`, where keys are missing that this host needs. */
	checkHost(url: URL): void {
		if (this.#keys.isOfThisProcess) checkKeysOfProcess(url);
	}

	/** The id of a new session. Never one that the client chose: it might know it. */
	open(headers: RequestHeaders, principal: string): Promise<string> {
		return this.#names.open(principal, headers);
	}

	/**
	 * The session of this principal that a request names, live or not. Costs no read.
	 *
	 * @throws {Refusal} 400 without an id or with one that is no id; 404 for one that is forged or
	 * someone else's.
	 */
	async named(headers: RequestHeaders, principal: string): Promise<string> {
		const id = headers.get('mcp-session-id');
		if (!id) {
			throw invalidRequest('The Mcp-Session-Id header is missing; open a session with initialize');
		}
		if (!VISIBLE_ASCII.test(id)) {
			throw invalidRequest('The Mcp-Session-Id header must hold visible ASCII characters only');
		}
		// A MAC is checked once in an isolate: a client sends the same id with all that it sends.
		if (this.#verified.get(id) !== principal) {
			if (!(await this.#names.verify(id, principal, headers))) throw unknownSession();
			if (this.#verified.size >= MAX_VERIFIED) this.#verified.clear();
			this.#verified.set(id, principal);
		}
		return id;
	}

	/**
	 * The live session of this principal that a request names.
	 *
	 * @throws {Refusal} 400 without an id or with one that is no id; 404 for a session that is
	 * forged, someone else's, ended or expired. Only an id that was made here costs a read.
	 * @throws {StoreError} where nobody can say whether the session is live.
	 */
	async require(headers: RequestHeaders, principal: string): Promise<string> {
		const id = await this.named(headers, principal);
		// The read is the one that the transport's own three share: none of them fails after it.
		try {
			if ((await this.#info.getClientCapabilities(id)) !== undefined) return id;
		} catch (error) {
			// tmcp's own manager rejects for a session that it does not know.
			if (error instanceof TmcpSessionsError && !OF_ITS_SESSION.has(error.code)) throw error;
		}
		throw unknownSession();
	}
}

const OF_ITS_SESSION: ReadonlySet<ErrorCode> = new Set([
	'corrupt-record',
	'invalid-session-id',
	'unknown-session',
]);
