import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { McpHandler } from '@tmcp-sessions/http';

import { PACKAGE } from '../package-name.ts';

/**
 * Combines both transports: requests for `path` go to Streamable HTTP and all others to the legacy SSE
 * handler, which responds 404 to unknown paths.
 *
 * @throws {TmcpSessionsError} `configuration`, if `path` is null.
 */
export function withLegacySse(
	streamableHttp: McpHandler,
	path: string | null | undefined,
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
			const isStreamableHttp = new URL(request.url).pathname === (path ?? '/mcp');
			return (isStreamableHttp ? streamableHttp : legacySse).fetch(request, env, context);
		},
	};
}
