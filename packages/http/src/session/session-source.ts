import type { IssuedSession } from '@tmcp-sessions/core/backend';

import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestOrigin } from '../request/request-context.ts';

/** Finds and opens the session of a request, without a read of its record. */
export interface SessionSource {
	/**
	 * Opens a session.
	 *
	 * @param params of `initialize`.
	 * @throws {TmcpSessionsError} `session-too-large` if they do not fit into an id.
	 */
	open(origin: RequestOrigin, params: JsonObject): IssuedSession | Promise<IssuedSession>;
	/**
	 * Returns the session that a request names, live or not.
	 *
	 * @throws {HttpRejection} 400 if the id is missing or malformed; 404 if it is forged or belongs to
	 * another principal.
	 */
	require(origin: RequestOrigin): IssuedSession | Promise<IssuedSession>;
	/** Returns the session of an id, if the id was made for the principal of the request. */
	find(id: string, origin: RequestOrigin): Promise<IssuedSession | undefined>;
}
