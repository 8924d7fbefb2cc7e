import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
	TmcpSessionsError,
} from '@tmcp-sessions/core';
import { createReporter } from '@tmcp-sessions/core/backend';
import type { McpHandler, ServerOf } from '../options.ts';
import { respondOrReject } from '../endpoint/respond-or-reject.ts';
import { createInFlightCalls } from '../calls/create-in-flight-calls.ts';
import { resolveOptions } from '../resolve-options.ts';
import { corsOptions, withCors } from '../response/cors.ts';
import { withOverrides } from '../transport/with-overrides.ts';
import { RequestContext } from '../request/request-context.ts';
import { claimBroadcasts } from '../transport/broadcasts.ts';
import { createTrackedServer } from '../transport/tracked-server.ts';
import type { SseSeams } from './sse-seams.ts';
import type { InfoSessionManager, StreamSessionManager } from '@tmcp/session-manager';
import { SseTransport } from '@tmcp/transport-sse';
import type { SseTransportOptions } from '@tmcp/transport-sse';

import { LiveSessions } from './live-sessions.ts';
import type { SseHandlerOptions } from './options.ts';
import { answerSent } from './sent-requests.ts';
import { servedServer } from './served-server.ts';
import { OwnSessions, RoutedSessions } from './session-host.ts';
import { sessionStreams } from './session-streams.ts';
import { SseEndpoint } from './sse-endpoint.ts';
import { SseSessionIds } from './sse-session-ids.ts';

const DEFAULT_PATH = '/sse';
const DEFAULT_ENDPOINT = '/messages';
const DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS = 25;
/** Origins are checked before, with the host; the transport has no way to be told so. */
const EVERY_ORIGIN: string[] = Object.assign([], { includes: () => true });

/**
 * Serves a server to clients of the first transport over HTTP (2024-11-05): a stream that is opened
 * with GET carries everything that the server says, and messages come with POST, in any isolate.
 *
 * Composes `SseTransport` of `@tmcp/transport-sse`. It can stand beside `createMcpHandler`, over the
 * same server and the same managers. Call it, as that, in the turn in which the server gets its tools.
 * Where sessions live in objects, `SessionObject` and `createSessionRouter` call it.
 *
 * @param seams for a package that composes this, see `@tmcp-sessions/http/internal`.
 * @throws {TmcpSessionsError} `configuration`, where a number is out of its range, a key is too
 * short, a path is none, or `oauth` comes without `principal`.
 */
export function createSseHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: SseHandlerOptions<Custom> = {},
	seams: SseSeams = {},
): McpHandler {
	const { cors, oauth, path = DEFAULT_PATH, endpoint = DEFAULT_ENDPOINT } = options;
	const { clientResponseTimeoutSeconds = DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS } = options;
	const checked = resolveOptions({ ...options, clientResponseTimeoutSeconds });
	checkPaths(path, endpoint);
	const report = createReporter(options.onError);
	const streams = options.streams ?? new InMemoryStreamSessionManager();
	const info = options.info ?? new StoredInfoSessionManager(new InMemorySessionStore());
	const { clientResponseTimeoutMs } = checked;
	const calls = createInFlightCalls(server, streams, undefined, clientResponseTimeoutMs, report);
	const isTeller = claimBroadcasts(server, streams);
	const sent = sessionStreams(streams);
	const tracked = createTrackedServer(server, { info, report, calls, canResume: false });

	let transport: SseTransport<Custom> | undefined;
	const attached = (): SseTransport<Custom> =>
		(transport ??= new SseTransport<Custom>(servedServer(tracked, isTeller), {
			path,
			endpoint,
			...transportOptions(sent, info),
			...corsOptions(cors),
		}));
	queueMicrotask(attached);

	let own: OwnSessions<Custom> | undefined;
	const ownSessions = (): OwnSessions<Custom> =>
		(own ??= new OwnSessions<Custom>({
			...{ calls, endpoint, info, streams: sent, context: options.context },
			transport: attached(),
			live: new LiveSessions(streams, info, path),
		}));
	let served: SseEndpoint<Custom> | undefined;
	const endpointOf = (env: unknown): SseEndpoint<Custom> =>
		(served ??= new SseEndpoint<Custom>({
			...checked,
			...{ path, endpoint, oauth },
			transport: attached(),
			ids: new SseSessionIds(options.sessionKeys, env, seams.names, path),
			host: seams.route ? new RoutedSessions(seams.route) : ownSessions(),
		}));

	return {
		async fetch(request, env, platform) {
			const findShard = (): string => checked.shardOf(request);
			const work = new RequestContext(request.headers, findShard, platform, report, calls);
			const response = await respondOrReject(work, async () => {
				if (seams.sent) return answerSent(request, work, ownSessions(), seams.sent);
				return endpointOf(env).respond(request, work, platform);
			});
			return cors ? withCors(response, request, attached()) : response;
		},
	};
}

function transportOptions(
	streams: StreamSessionManager,
	info: InfoSessionManager,
): Pick<SseTransportOptions, 'allowedOrigins' | 'sessionManager'> {
	return {
		// Its end is the endpoint's: a stream may end in ways that the transport does not see.
		sessionManager: { streams, info: withOverrides(info, { delete: () => {} }) },
		allowedOrigins: EVERY_ORIGIN,
	};
}

function checkPaths(path: string, endpoint: string): void {
	for (const [name, found] of Object.entries({ path, endpoint })) {
		// As URLs spell it: what a request is compared with.
		if (found.startsWith('/') && new URL(found, 'http://localhost').pathname === found) continue;
		const expected = 'a path such as /sse, without a query';
		throw new TmcpSessionsError(
			'configuration',
			'sse',
			`${name} must be ${expected}; found ${found}`,
		);
	}
	if (path !== endpoint) return;
	throw new TmcpSessionsError(
		'configuration',
		'sse',
		`endpoint must not be path; both are ${path}`,
	);
}
