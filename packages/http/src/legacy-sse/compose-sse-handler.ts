import { checkDeployment } from '../check-deployment.ts';
import type { ExecutionContextLike, McpHandler, ServerOf } from '../options.ts';
import { CachedHeaders } from '../request/cached-headers.ts';
import { toResponse } from '../response/answer.ts';
import type { Answer } from '../response/answer.ts';
import { withCors } from '../response/cors.ts';
import { rejectionAnswer } from '../response/rejection-answer.ts';
import { SessionIdentifier } from '../session/session-identifier.ts';
import { sessionKeys } from '../session/session-keys.ts';
import { checkCreation } from '../warnings.ts';
import type { SseComposition } from './legacy-sse.ts';
import type { SseHandlerOptions } from './options.ts';
import { RoutedSessions } from './session-host.ts';
import { createSseBackend } from './sse-backend.ts';
import { SseEndpoint } from './sse-endpoint.ts';
import { SseSessionIds } from './sse-session-ids.ts';

/** Creates the handler of `createSseHandler`, also for a package whose sessions live elsewhere. */
export function composeSseHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: SseHandlerOptions<Custom>,
	{ sessionIds, route }: SseComposition,
): McpHandler {
	const { oauth } = options;
	const backend = createSseBackend<Custom>(server, options);
	const { calls, endpoint, pacesStreams, path, report, resolved, transport } = backend;
	checkCreation('createSseHandler', path);
	let served: SseEndpoint<Custom> | undefined;
	const createEndpoint = (env: unknown, platform?: ExecutionContextLike): SseEndpoint<Custom> => {
		checkDeployment('createSseHandler', options, platform);
		const keys = sessionKeys(options.sessionKeys, env);
		return new SseEndpoint<Custom>({
			...resolved,
			...{ calls, endpoint, oauth, pacesStreams, path, report },
			transport: transport(),
			ids: new SseSessionIds(new SessionIdentifier(keys, undefined, sessionIds), path),
			host: route ? new RoutedSessions(route) : backend.createSessions(),
		});
	};
	return {
		async fetch(request, env, platform) {
			const headers = new CachedHeaders(request.headers);
			let answer: Answer;
			try {
				served ??= createEndpoint(env, platform);
				answer = await served.respond(request, headers, platform);
			} catch (error) {
				answer = rejectionAnswer(error, report, undefined, request);
			}
			return toResponse(withCors(answer, headers, request, resolved.origins));
		},
	};
}
