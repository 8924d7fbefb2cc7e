import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { McpHandler } from '@tmcp-sessions/http';
import type { LegacySse } from '@tmcp-sessions/http/internal';

import { PACKAGE } from '../package-name.ts';

/**
 * Combines both transports: requests for the two addresses of legacy SSE go to its handler, and all others
 * to Streamable HTTP, which responds 404 to unknown paths.
 *
 * @throws {TmcpSessionsError} `configuration`, if `path` is null.
 */
export function withLegacySse(
	streamableHttp: McpHandler,
	path: string | null | undefined,
	sse: Pick<LegacySse, 'serves'>,
	legacySse: McpHandler,
): McpHandler {
	if (path === null) {
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			'sse requires a separate path for Streamable HTTP, such as /mcp; got path: null, which accepts ' +
				'every path',
		);
	}
	return {
		fetch(request, env, context) {
			const isForSse = sse.serves(new URL(request.url).pathname);
			return (isForSse ? legacySse : streamableHttp).fetch(request, env, context);
		},
	};
}
