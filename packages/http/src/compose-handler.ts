import { checkServer } from './check-server.ts';
import { createHandler } from './create-handler.ts';
import type { HandlerComposition } from './endpoint/route.ts';
import { SessionRouter } from './endpoint/session-router.ts';
import type { McpHandler, McpHandlerOptions, ServerOf } from './options.ts';
import { createTmcpBackend } from './transport/create-tmcp-backend.ts';
import { STATELESS_REVISIONS } from './transport/stateless-revisions.ts';

/**
 * Creates a handler as `createMcpHandler` does, for a package whose sessions live elsewhere.
 *
 * @throws {TmcpSessionsError} `configuration`, as `createMcpHandler` does.
 */
export function composeHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: McpHandlerOptions<Custom>,
	{ sessionIds, route }: HandlerComposition,
): McpHandler {
	const owner = route ? 'createSessionRouter' : 'createMcpHandler';
	checkServer(server, owner);
	return createHandler(options, {
		owner,
		sessionIds,
		router: route && new SessionRouter(route, STATELESS_REVISIONS),
		connect: (backend) => createTmcpBackend<Custom>(server, backend),
	});
}
