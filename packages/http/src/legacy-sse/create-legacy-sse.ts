import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';

import { endpointPath, isForPath } from '../endpoint/endpoint-path.ts';
import { composeSseHandler } from './compose-sse-handler.ts';
import { createSseCallRunner } from './create-sse-call-runner.ts';
import type { LegacySse } from './legacy-sse.ts';
import type { SseHandlerOptions } from './options.ts';
import { DEFAULT_ENDPOINT, DEFAULT_PATH } from './sse-backend.ts';

/** The two addresses of the SSE transport. */
export type SsePaths = Pick<SseHandlerOptions, 'endpoint' | 'path'>;

/**
 * Creates what a session object and its router need to serve clients of the SSE transport. Give it to
 * `createSessionRouter` and to `settings` of the class, both with the same paths.
 *
 * @throws {TmcpSessionsError} `configuration` for an invalid path.
 */
export function createLegacySse(paths: SsePaths = {}): LegacySse {
	rejectUnknownOptions(paths, { path: 1, endpoint: 1 }, 'http', 'createLegacySse');
	const { path = DEFAULT_PATH, endpoint = DEFAULT_ENDPOINT } = paths;
	const served = [endpointPath('path', path), endpointPath('endpoint', endpoint)];
	return {
		serves: (pathname) => served.some((each) => isForPath(pathname, each)),
		composeHandler: (server, options, composition) =>
			composeSseHandler(server, { ...options, ...paths }, composition),
		createCallRunner: (server, options) => createSseCallRunner(server, { ...options, ...paths }),
	};
}
