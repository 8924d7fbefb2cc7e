import type { IssuedSession } from '@tmcp-sessions/core/backend';

import { invalidRequest } from '../request/http-rejection.ts';
import type { RequestOrigin } from '../request/request-context.ts';
import type { SessionIdentifier } from '../session/session-identifier.ts';
import { unknownSseSession } from './live-sessions.ts';

/** Binds ids to this transport: an id of a URL must be invalid in the header of another one. */
const LABEL = 'sse ';

/** Makes and verifies the session ids of messages, which are in their URLs. */
export class SseSessionIds {
	readonly #ids: SessionIdentifier;
	readonly #path: string;

	/** @param path where clients open a new stream, which rejections name. */
	constructor(ids: SessionIdentifier, path: string) {
		this.#ids = ids;
		this.#path = path;
	}

	/** @throws {TmcpSessionsError} `configuration` if this host needs keys that are missing. */
	checkHost(url: URL): void {
		this.#ids.checkHost(url);
	}

	/** Makes the ids of a new session, never one that the client sent. */
	open(origin: RequestOrigin): Promise<IssuedSession> {
		return this.#ids.open(labelled(origin), {});
	}

	/**
	 * Returns the session that a message's URL names. Costs no read.
	 *
	 * @throws {HttpRejection} 400 without an id; 404 if it is forged or belongs to another principal.
	 */
	async require(url: URL, origin: RequestOrigin): Promise<IssuedSession> {
		const id = url.searchParams.get('sessionId');
		if (!id) {
			throw invalidRequest(
				`sessionId is missing: use the URL of the endpoint event that GET ${this.#path} sends`,
			);
		}
		const session = await this.#ids.find(id, labelled(origin));
		if (session) return session;
		throw unknownSseSession('The session is unknown', this.#path);
	}
}

function labelled(origin: RequestOrigin): RequestOrigin {
	return { ...origin, principal: LABEL + origin.principal };
}
