import {
	createSessionIds,
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	reporterOf,
	StoredInfoSessionManager,
	TmcpSessionsError,
} from '@tmcp-sessions/core';
import type { SessionIds } from '@tmcp-sessions/core';
import type { McpHandler } from '@tmcp-sessions/http';
import {
	answerOrRefusal,
	callsOfServer,
	checkedOptions,
	checkKeysOfProcess,
	corsOptions,
	overridden,
	RequestWork,
	sessionKeys,
	takeBroadcasts,
	trackedServer,
	withCors,
} from '@tmcp-sessions/http/parts';
import type { InfoSessionManager, StreamSessionManager } from '@tmcp/session-manager';
import { SseTransport } from '@tmcp/transport-sse';
import type { SseTransportOptions } from '@tmcp/transport-sse';

import type { SseHandlerOptions } from './options.ts';
import { servedServer } from './served-server.ts';
import { sessionStreams } from './session-streams.ts';
import { SseEndpoint } from './sse-endpoint.ts';
import { SseSessions } from './sse-sessions.ts';

const DEFAULT_PATH = '/sse';
const DEFAULT_ENDPOINT = '/messages';
const DEFAULT_ANSWER_SECONDS = 25;
/** Origins are checked before, with the host; the transport has no way to be told so. */
const EVERY_ORIGIN: string[] = Object.assign([], { includes: () => true });

/** Any server that the transport takes, whatever its schemas. */
type ServerOf<Custom extends Record<string, unknown> | undefined> = ConstructorParameters<
	typeof SseTransport<Custom>
>[0];

/**
 * Serves a server to clients of the first transport over HTTP (2024-11-05): a stream that is opened
 * with GET carries everything that the server says, and messages come with POST, in any isolate.
 *
 * Composes `SseTransport` of `@tmcp/transport-sse`. It can stand beside `createMcpHandler`, over the
 * same server and the same managers. Call it, as that, in the turn in which the server gets its tools.
 *
 * @throws {TmcpSessionsError} `configuration`, where a number is out of its range, a key is too
 * short, a path is none, or `oauth` comes without `principal`.
 */
export function createSseHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: SseHandlerOptions<Custom> = {},
): McpHandler {
	const { cors, oauth, path = DEFAULT_PATH, endpoint = DEFAULT_ENDPOINT } = options;
	const { answerSeconds = DEFAULT_ANSWER_SECONDS } = options;
	const checked = checkedOptions({ ...options, answerSeconds });
	checkPaths(path, endpoint);
	const report = reporterOf(options.onError);
	const streams = options.streams ?? new InMemoryStreamSessionManager();
	const info = options.info ?? new StoredInfoSessionManager(new InMemorySessionStore());
	const calls = callsOfServer(server, streams, undefined, checked.answerMs, report);
	const isTeller = takeBroadcasts(server, streams);
	const sent = sessionStreams(streams);

	let transport: SseTransport<Custom> | undefined;
	const attached = (): SseTransport<Custom> =>
		(transport ??= new SseTransport<Custom>(
			servedServer(trackedServer(server, { info, report, calls, canResume: false }), isTeller),
			{ path, endpoint, ...transportOptions(sent, info), ...corsOptions(cors) },
		));
	queueMicrotask(attached);

	let served: SseEndpoint<Custom> | undefined;
	const endpointOf = (env: unknown): SseEndpoint<Custom> => {
		if (served) return served;
		const { ids, checkHost } = sessionIdsOf(options, env);
		return (served = new SseEndpoint<Custom>({
			...checked,
			...{ path, endpoint, calls, info, oauth },
			streams: sent,
			context: options.context,
			transport: attached(),
			sessions: new SseSessions(ids, streams, info, path),
			checkHost,
		}));
	};

	return {
		async fetch(request, env, platform) {
			const findShard = (): string => checked.shardOf(request);
			const work = new RequestWork(request.headers, findShard, platform, report, calls);
			const response = await answerOrRefusal(work, async () =>
				endpointOf(env).respond(request, work, platform),
			);
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
		sessionManager: { streams, info: overridden(info, { delete: () => {} }) },
		allowedOrigins: EVERY_ORIGIN,
	};
}

/** Whoever makes the ids has seen to their keys. */
function sessionIdsOf(
	{ sessionIds, sessionKeys: given }: Pick<SseHandlerOptions, 'sessionIds' | 'sessionKeys'>,
	env: unknown,
): { ids: SessionIds; checkHost: (url: URL) => void } {
	if (sessionIds) return { ids: sessionIds, checkHost: () => {} };
	const { secrets, isOfThisProcess } = sessionKeys(given, env);
	const checkHost = isOfThisProcess ? checkKeysOfProcess : (): void => {};
	return { ids: createSessionIds({ keys: secrets }), checkHost };
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
