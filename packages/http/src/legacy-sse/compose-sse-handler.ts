import { checkDeployment } from '../check-deployment.ts';
import { serveEndpoint } from '../endpoint/serve-endpoint.ts';
import type { ExecutionContextLike, McpHandler, ServerOf } from '../options.ts';
import { SessionIdentifier } from '../session/session-identifier.ts';
import { secretsOf, sessionKeys } from '../session/session-keys.ts';
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
	const createEndpoint = (env: unknown, platform?: ExecutionContextLike): SseEndpoint<Custom> => {
		checkDeployment('createSseHandler', options, platform);
		const keys = sessionKeys(options.sessionKeys, env);
		return new SseEndpoint<Custom>({
			...resolved,
			calls,
			endpoint,
			oauth,
			pacesStreams,
			path,
			report,
			secrets: (_to, request) => secretsOf(keys, request),
			transport: transport(),
			ids: new SseSessionIds(new SessionIdentifier(keys, undefined, sessionIds), path),
			host: route ? new RoutedSessions(route) : backend.createSessions(),
		});
	};
	return serveEndpoint(createEndpoint, resolved.origins, report);
}
