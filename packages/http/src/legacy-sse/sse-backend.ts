import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createReporter } from '@tmcp-sessions/core/backend';
import { hasResumableStreams } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager, StreamSessionManager } from '@tmcp/session-manager';
import { SseTransport } from '@tmcp/transport-sse';
import type { SseTransportOptions } from '@tmcp/transport-sse';

import { checkServer } from '../check-server.ts';
import { configurationError } from '../configuration-error.ts';
import { endpointPath } from '../endpoint/endpoint-path.ts';
import { InFlightCalls } from '../calls/in-flight-calls.ts';
import type { ServerOf } from '../options.ts';
import { resolveOptions } from '../resolve-options.ts';
import type { ResolvedOptions } from '../resolve-options.ts';
import { claimBroadcasts } from '../transport/broadcasts.ts';
import { matchTemplatesInLinearTime } from '../transport/template-matching.ts';
import { createTrackedServer } from '../transport/tracked-server.ts';
import { withOverrides } from '../backend/with-overrides.ts';
import { LiveSessions } from './live-sessions.ts';
import type { SseHandlerOptions } from './options.ts';
import { servedServer } from './served-server.ts';
import { OwnSessions } from './session-host.ts';
import { sessionStreams } from './session-streams.ts';

export const DEFAULT_PATH = '/sse';
export const DEFAULT_ENDPOINT = '/messages';
/** Workers end the promises of a message 30 s after it was accepted. */
const DEFAULT_SSE_CLIENT_RESPONSE_TIMEOUT_SECONDS = 25;
/** The origin guard has checked the origin. The transport has no option that allows every one. */
const EVERY_ORIGIN: string[] = Object.assign([], { includes: () => true });

/** A tmcp server, connected to the SSE transport and to the managers of a deployment. */
export interface SseBackend<Custom extends Record<string, unknown> | undefined> {
	readonly resolved: ResolvedOptions;
	/** Where clients open their stream. */
	readonly path: string;
	/** Where clients send their messages. */
	readonly endpoint: string;
	readonly calls: InFlightCalls;
	/** Whether the manager bounds streams, so that they are read no faster than their client reads. */
	readonly pacesStreams: boolean;
	/** Returns the transport, which is created at the first call or in the next microtask. */
	readonly transport: () => SseTransport<Custom>;
	/** Creates what answers the messages of sessions here. */
	readonly createSessions: () => OwnSessions<Custom>;
	readonly report: (error: unknown, session?: string) => void;
}

/**
 * Connects a tmcp server to the SSE transport.
 *
 * @throws {TmcpSessionsError} `configuration` for invalid options.
 */
export function createSseBackend<Custom extends Record<string, unknown> | undefined>(
	server: ServerOf<Custom>,
	options: SseHandlerOptions<Custom>,
): SseBackend<Custom> {
	checkServer(server, 'createSseHandler');
	matchTemplatesInLinearTime();
	const paths = endpointPaths(options);
	const { clientResponseTimeoutSeconds = DEFAULT_SSE_CLIENT_RESPONSE_TIMEOUT_SECONDS } = options;
	const resolved = resolveOptions({ ...options, clientResponseTimeoutSeconds });
	const report = createReporter(options.onError);
	const streams = options.streams ?? new InMemoryStreamSessionManager();
	const info = options.info ?? new StoredInfoSessionManager(new InMemorySessionStore());
	const calls = new InFlightCalls(server, { ...resolved, streams, report });
	const broadcasts = claimBroadcasts(server, streams);
	const ordered = sessionStreams(streams);
	const tracked = createTrackedServer(server, {
		info,
		report,
		calls,
		canResume: false,
		acceptsBatches: false,
		authorizeSubscription: options.authorizeSubscription,
	});
	let created: SseTransport<Custom> | undefined;
	const transport = (): SseTransport<Custom> =>
		(created ??= new SseTransport<Custom>(servedServer(tracked, broadcasts), {
			...paths,
			...managers(ordered, info),
		}));
	queueMicrotask(transport);
	return {
		...paths,
		resolved,
		calls,
		transport,
		report,
		pacesStreams: hasResumableStreams(streams),
		createSessions: () =>
			new OwnSessions<Custom>({
				calls,
				endpoint: paths.endpoint,
				info,
				streams: ordered,
				createCustom: options.context,
				transport: transport(),
				live: new LiveSessions(streams, info, paths.path),
			}),
	};
}

function endpointPaths(
	options: Pick<SseHandlerOptions<never>, 'path' | 'endpoint'>,
): Pick<SseBackend<never>, 'path' | 'endpoint'> {
	const path = endpointPath('path', options.path ?? DEFAULT_PATH);
	const endpoint = endpointPath('endpoint', options.endpoint ?? DEFAULT_ENDPOINT);
	if (path === endpoint) {
		throw configurationError(
			`endpoint must differ from path; both are ${path}: set one of them to another path`,
		);
	}
	return { path, endpoint };
}

function managers(
	streams: StreamSessionManager,
	info: InfoSessionManager,
): Pick<SseTransportOptions, 'allowedOrigins' | 'sessionManager'> {
	return {
		// The endpoint deletes the session: a stream may end in ways that the transport does not see.
		sessionManager: { streams, info: withOverrides(info, { delete: () => {} }) },
		allowedOrigins: EVERY_ORIGIN,
	};
}
