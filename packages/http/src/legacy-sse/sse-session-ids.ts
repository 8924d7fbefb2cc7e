import { createSessionIds } from '@tmcp-sessions/core/internal';
import type { SessionIds } from '@tmcp-sessions/core/internal';
import { checkKeysOfProcess, sessionKeys } from '../session/session-keys.ts';
import { HttpRejection } from '../request/http-rejection.ts';
import type { RequestContext } from '../request/request-context.ts';
import type { SessionIdIssuer } from '../endpoint/handler-seams.ts';
import type { SseSeams } from './sse-seams.ts';

import { unknownSession } from './live-sessions.ts';

/** Of this transport: an id that stands in URLs must be of no use in the header of another one. */
const LABEL = 'sse ';

/** The ids of sessions, which stand in the URLs of their messages. */
export class SseSessionIds {
	readonly #ids: SessionIds;
	readonly #names: SessionIdIssuer | undefined;
	readonly #isOfThisProcess: boolean;
	readonly #path: string;

	/**
	 * @param given the secrets that ids are made with; those of the environment otherwise.
	 * @param path where a new stream is opened: clients are told.
	 */
	constructor(
		given: readonly (string | undefined)[] | undefined,
		env: unknown,
		names: SseSeams['names'],
		path: string,
	) {
		const { secrets, isOfThisProcess } = sessionKeys(given, env);
		this.#ids = createSessionIds({ keys: secrets });
		this.#names = names?.(this.#ids);
		this.#isOfThisProcess = isOfThisProcess;
		this.#path = path;
	}

	/** @throws {TmcpSessionsError} where the deployment lacks keys that this host needs. */
	checkHost(url: URL): void {
		if (this.#isOfThisProcess) checkKeysOfProcess(url);
	}

	/** The id of a new session. Never one that the client chose. */
	open({ principal, headers, shard }: RequestContext): Promise<string> {
		const owner = LABEL + principal;
		return this.#names ? this.#names.open(owner, headers) : this.#ids.mint(owner, shard);
	}

	/**
	 * The id that a message's URL names. Costs no storage.
	 *
	 * @throws {HttpRejection} 400 without an id; 404 for one that is forged or somebody else's.
	 */
	async require(url: URL, { principal, headers }: RequestContext): Promise<string> {
		const id = url.searchParams.get('sessionId');
		if (!id) {
			throw new HttpRejection({
				status: 400,
				code: -32600,
				message: `sessionId is missing; use the URL that the endpoint event of GET ${this.#path} names`,
			});
		}
		const owner = LABEL + principal;
		const isOurs = await (this.#names
			? this.#names.verify(id, owner, headers)
			: this.#ids.verify(id, owner));
		if (isOurs) return id;
		throw unknownSession('The session is not known', this.#path);
	}
}
