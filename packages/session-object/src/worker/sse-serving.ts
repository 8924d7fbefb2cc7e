import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import type { SseSeams } from '@tmcp-sessions/http/internal';

import { PACKAGE } from '../package-name.ts';
import type { SessionServer } from '../object/session.ts';

/** What is said to the handler of the first transport, as to that of Streamable HTTP. */
export type SseServingOptions = Omit<
	McpHandlerOptions,
	'context' | 'path' | 'placement' | 'subscriptions'
>;

/**
 * `createSseHandler` of `@tmcp-sessions/http/legacy-sse`, or a function that calls it with other paths:
 * `(server, options, seams) => createSseHandler(server, { ...options, path: '/old/sse' }, seams)`.
 */
export type ServeSse = (
	server: SessionServer,
	options: SseServingOptions,
	seams: SseSeams,
) => McpHandler;

/**
 * Both transports at once: `path` is Streamable HTTP's, and everything else the older one's, which
 * says 404 to what it does not know.
 *
 * @throws {TmcpSessionsError} `configuration`, where the path is every path.
 */
export function besidesSse(
	mcp: McpHandler,
	path: string | null | undefined,
	sse: McpHandler,
): McpHandler {
	if (path === null) {
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			'sse needs paths of its own: expected a path for Streamable HTTP, such as /mcp; found null, ' +
				'which is every path',
		);
	}
	return {
		fetch(request, env, context) {
			const isMcp = new URL(request.url).pathname === (path ?? '/mcp');
			return (isMcp ? mcp : sse).fetch(request, env, context);
		},
	};
}
