import { createMcpHandler } from './create-mcp-handler.ts';
import type { HandlerComposition } from './endpoint/composition.ts';
import type { McpHandler, McpHandlerOptions, ServerOf } from './options.ts';

/** Creates the handler of `createMcpHandler` for a package whose sessions live elsewhere. */
export function composeHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: McpHandlerOptions<Custom>,
	{ sessionIds, route }: HandlerComposition,
): McpHandler {
	return createMcpHandler(server, options, { names: sessionIds, route });
}
