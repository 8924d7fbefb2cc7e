import type { RoutedCall } from '../calls/routed-call.ts';
import type { LegacySse } from './legacy-sse.ts';
import type { SseHandlerOptions } from './options.ts';
import { createSseHandler } from './sse-handler.ts';

/** The two addresses of the SSE transport. */
export type SsePaths = Pick<SseHandlerOptions, 'endpoint' | 'path'>;

/**
 * Creates what a session object and its router need to serve clients of the SSE transport: give it
 * to `createSessionRouter` and to `settings` of the class.
 *
 * @throws {TmcpSessionsError} `configuration`, when it is used, if a path is invalid.
 */
export function createLegacySse(paths: SsePaths = {}): LegacySse {
	return {
		composeHandler: (server, options, { sessionIds, route }) =>
			createSseHandler(server, { ...options, ...paths }, { names: sessionIds, route }),
		createCallRunner(server, options) {
			const calls = new WeakMap<Request, RoutedCall>();
			const handler = createSseHandler(
				server,
				{ ...options, ...paths },
				{
					sent(request) {
						const call = calls.get(request);
						if (!call) throw new TypeError('expected the request of a routed call');
						return call;
					},
				},
			);
			return (call, platform) => {
				const { method, headers, body } = call;
				const request = new Request('http://localhost/', {
					...{ method, headers },
					...(body !== '' && { body }),
				});
				calls.set(request, call);
				return handler.fetch(request, undefined, platform);
			};
		},
	};
}
