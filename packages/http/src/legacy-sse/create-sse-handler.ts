import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';

import { checkManagers } from '../check-managers.ts';
import { SHARED_OPTIONS } from '../option-names.ts';
import type { McpHandler, ServerOf } from '../options.ts';
import { composeSseHandler } from './compose-sse-handler.ts';
import { checkOptionNames } from '../resolve-options.ts';
import type { SseHandlerOptions } from './options.ts';

const OPTIONS: OptionNames<SseHandlerOptions> = { ...SHARED_OPTIONS, endpoint: 1 };

/** What is called otherwise in tmcp's transport. */
const ELSEWHERE = { sessionManager: 'streams and info' };

/**
 * Creates a handler that serves a server to clients of the SSE transport (2024-11-05). A stream that
 * the client opens with GET carries everything that the server sends, and messages come with POST, in
 * any isolate.
 *
 * Composes `SseTransport` of `@tmcp/transport-sse`. It can serve the same server with the same managers
 * as `createMcpHandler`. Call it, too, in the turn in which the server gets its tools. A session object
 * and its router take `createLegacySse` instead.
 *
 * @throws {TmcpSessionsError} `configuration` if a number is out of range, a key is too short, a path
 * is invalid, an option has an old or unknown name or a manager of another kind, or `oauth` comes
 * without `principal`.
 */
export function createSseHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: SseHandlerOptions<Custom> = {},
): McpHandler {
	checkOptionNames(options);
	rejectUnknownOptions(options, OPTIONS, 'http', 'createSseHandler', ELSEWHERE);
	checkManagers(options);
	return composeSseHandler(server, options, {});
}
