import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import { createReporter } from '@tmcp-sessions/core/backend';

import type { HandlerComposition } from './endpoint/route.ts';
import type { RequestRouter } from './endpoint/request-router.ts';
import { McpEndpoint } from './endpoint/mcp-endpoint.ts';
import { MessageEndpoint } from './endpoint/message-endpoint.ts';
import type { McpHandler, McpHandlerOptions, ServerOf } from './options.ts';
import { resolveOptions } from './resolve-options.ts';
import { toResponse } from './response/answer.ts';
import type { Answer } from './response/answer.ts';
import { withCors } from './response/cors.ts';
import { rejectionAnswer } from './response/rejection-answer.ts';
import { SessionIdentifier } from './session/session-identifier.ts';
import { sessionKeys } from './session/session-keys.ts';
import { SessionLiveness } from './session/session-liveness.ts';
import { createTmcpBackend } from './transport/create-tmcp-backend.ts';

const DEFAULT_PATH = '/mcp';

/** What a handler has besides its options. */
export interface HandlerParts extends Pick<HandlerComposition, 'sessionIds'> {
	readonly router?: RequestRouter | undefined;
}

/** Creates the handler of `createMcpHandler` and `composeHandler`. */
export function createHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: McpHandlerOptions<Custom>,
	{ router, sessionIds }: HandlerParts,
): McpHandler {
	const report = createReporter(options.onError);
	const resolved = resolveOptions(options);
	const { context: createCustom, cors, info, oauth, path = DEFAULT_PATH, subscriptions } = options;
	const streams = options.streams ?? new InMemoryStreamSessionManager();
	const { clientResponseTimeoutMs, keepAliveMs } = resolved;
	const backend = createTmcpBackend<Custom>(server, {
		...{ streams, info, subscriptions, cors, path, clientResponseTimeoutMs, report },
		hasAuth: oauth !== undefined,
	});

	let endpoint: McpEndpoint<Custom> | undefined;
	const createEndpoint = (env: unknown): McpEndpoint<Custom> => {
		const ids =
			info && new SessionIdentifier(sessionKeys(options.sessionKeys, env), info, sessionIds);
		const { calls, pacesStreams } = backend;
		const messages = new MessageEndpoint<Custom>({
			...{ calls, router, createCustom, keepAliveMs, pacesStreams },
			liveness: info && new SessionLiveness(info),
			server: backend.createServer(),
		});
		return new McpEndpoint<Custom>({
			...resolved,
			...{ messages, router, ids, oauth, path, report },
		});
	};
	// Session keys come with the environment of the first request.
	const answer = async (
		...[request, env, platform]: Parameters<McpHandler['fetch']>
	): Promise<Answer> => {
		try {
			endpoint ??= createEndpoint(env);
			return await endpoint.respond(request, platform);
		} catch (error) {
			return rejectionAnswer(error, null, report);
		}
	};
	return {
		async fetch(request, env, platform) {
			const response = toResponse(await answer(request, env, platform));
			return cors ? withCors(response, request, backend.transport()) : response;
		},
	};
}
