import { createSessionIds, StoreError, TmcpSessionsError } from '@tmcp-sessions/core';
import type { SessionIds } from '@tmcp-sessions/core';
import type { InfoSessionManager } from '@tmcp/session-manager';

import { invalidRequest, unknownSession } from './refusal.ts';
import type { RequestHeaders } from './request-headers.ts';

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Some 300 KB of ids. */
const MAX_VERIFIED = 2_000;

/** Whose id a request carries, and whether that session is live. */
export class SessionRules {
	readonly #ids: SessionIds;
	readonly #info: InfoSessionManager;
	/** Ids whose MAC was right, and whose they are. */
	readonly #verified = new Map<string, string>();

	constructor(keys: readonly string[], info: InfoSessionManager) {
		this.#ids = createSessionIds({ keys });
		this.#info = info;
	}

	/** The id of a new session. Never one that the client chose: it might know it. */
	open(principal: string): Promise<string> {
		return this.#ids.mint(principal);
	}

	/**
	 * The live session of this principal that a request names.
	 *
	 * @throws {Refusal} 400 without an id or with one that is no id; 404 for a session that is
	 * forged, someone else's, ended or expired. Only an id that was made here costs a read.
	 * @throws {StoreError} where nobody can say whether the session is live.
	 */
	async require(headers: RequestHeaders, principal: string): Promise<string> {
		const id = headers.get('mcp-session-id');
		if (!id) {
			throw invalidRequest('The Mcp-Session-Id header is missing; open a session with initialize');
		}
		if (!VISIBLE_ASCII.test(id)) {
			throw invalidRequest('The Mcp-Session-Id header must hold visible ASCII characters only');
		}
		// A MAC is checked once in an isolate: a client sends the same id with all that it sends.
		if (this.#verified.get(id) !== principal) {
			if (!(await this.#ids.verify(id, principal))) throw unknownSession();
			if (this.#verified.size >= MAX_VERIFIED) this.#verified.clear();
			this.#verified.set(id, principal);
		}
		// The read is the one that the transport's own three share.
		const capabilities = await this.#info.getClientCapabilities(id).catch(unlessStoreIsDown);
		if (capabilities === undefined) throw unknownSession();
		return id;
	}
}

/** tmcp's own manager rejects for a session that it does not know. */
function unlessStoreIsDown(error: unknown): undefined {
	if (error instanceof StoreError) throw error;
	return undefined;
}

const KEYS_VARIABLE = 'TMCP_SESSION_KEYS';
const MAKE_ONE = `openssl rand -base64 32 | npx wrangler secret put ${KEYS_VARIABLE}`;

/**
 * The keys of a deployment: those that are given, or else those of its environment. A server that is
 * called on this machine, as in development, goes without: then they last as long as the process.
 *
 * @param isLocal whether the server is called by a name of this machine.
 * @throws {TmcpSessionsError} `configuration`, where there are none.
 */
export function sessionKeys(
	given: readonly string[] | undefined,
	env: unknown,
	isLocal: boolean,
): readonly string[] {
	const keys =
		given ??
		variable(env)
			?.split(/[\s,]+/)
			.filter((key) => key !== '');
	if (keys && keys.length > 0) return keys;
	if (isLocal) {
		console.error(
			`[tmcp-sessions/http] ${KEYS_VARIABLE} is not set: sessions are known to this process alone, ` +
				`until it ends. Before a deployment: ${MAKE_ONE}`,
		);
		return [`${crypto.randomUUID()}${crypto.randomUUID()}`];
	}
	throw new TmcpSessionsError(
		'configuration',
		'http',
		`session ids need a key that all isolates share: expected the variable ${KEYS_VARIABLE} or the ` +
			`option sessionKeys; found neither. Make one with: ${MAKE_ONE}`,
	);
}

function variable(env: unknown): string | undefined {
	const { process } = globalThis as { process?: { env?: Record<string, unknown> } };
	for (const variables of [env, process?.env]) {
		if (typeof variables !== 'object' || variables === null) continue;
		const value: unknown = Reflect.get(variables, KEYS_VARIABLE);
		if (typeof value === 'string') return value;
	}
	return undefined;
}
