import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';

import { checkManagers } from './check-managers.ts';
import { checkServer } from './check-server.ts';
import { createHandler } from './create-handler.ts';
import { ELSEWHERE, HANDLER_OPTIONS } from './option-names.ts';
import type { McpHandler, McpHandlerOptions, ServerOf } from './options.ts';
import { checkOptionNames } from './resolve-options.ts';
import { createTmcpBackend } from './transport/create-tmcp-backend.ts';

/**
 * Creates a handler that serves a server over Streamable HTTP, in both eras of the protocol. Promises
 * that a request starts keep it alive, also after its answer.
 *
 * Composes `HttpTransport` of `@tmcp/transport-http`, which is created in the next microtask: by then
 * the server has its tools, and a tool that is registered later is a list change for every session.
 * From then on changes reach the sessions wherever they are raised, also in a cron job.
 *
 * @throws {TmcpSessionsError} `configuration` if a number is out of range, a key is too short, an
 * option has an old or unknown name or a manager of another kind, or `oauth` comes without `principal`.
 */
export function createMcpHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: McpHandlerOptions<Custom> = {},
): McpHandler {
	checkOptionNames(options);
	rejectUnknownOptions(options, HANDLER_OPTIONS, 'http', 'createMcpHandler', ELSEWHERE);
	checkManagers(options);
	checkServer(server, 'createMcpHandler');
	return createHandler(options, {
		owner: 'createMcpHandler',
		connect: (backend) => createTmcpBackend<Custom>(server, backend),
	});
}
