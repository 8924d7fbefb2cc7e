import type { McpHandler, ServerOf } from '../options.ts';
import { toResponse } from '../response/answer.ts';
import type { Answer } from '../response/answer.ts';
import { withCors } from '../response/cors.ts';
import { rejectionAnswer } from '../response/rejection-answer.ts';
import { SessionIdentifier } from '../session/session-identifier.ts';
import { sessionKeys } from '../session/session-keys.ts';
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
	const { cors, oauth } = options;
	const backend = createSseBackend<Custom>(server, options);
	const { calls, endpoint, pacesStreams, path, report, resolved, transport } = backend;
	let served: SseEndpoint<Custom> | undefined;
	const createEndpoint = (env: unknown): SseEndpoint<Custom> => {
		const keys = sessionKeys(options.sessionKeys, env);
		return new SseEndpoint<Custom>({
			...resolved,
			...{ calls, endpoint, oauth, pacesStreams, path, report },
			transport: transport(),
			ids: new SseSessionIds(new SessionIdentifier(keys, undefined, sessionIds), path),
			host: route ? new RoutedSessions(route) : backend.createSessions(),
		});
	};
	const answer: (...parameters: Parameters<McpHandler['fetch']>) => Promise<Answer> = async (
		request,
		env,
		platform,
	) => {
		try {
			served ??= createEndpoint(env);
			return await served.respond(request, platform);
		} catch (error) {
			return rejectionAnswer(error, report);
		}
	};
	return {
		async fetch(request, env, platform) {
			const response = toResponse(await answer(request, env, platform));
			return cors ? withCors(response, request, transport()) : response;
		},
	};
}
