import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	reporterOf,
	runInScope,
	StoredInfoSessionManager,
	TmcpSessionsError,
} from '@tmcp-sessions/core';
import type { ErrorReporter } from '@tmcp-sessions/core';
import type {
	InfoSessionManager,
	StreamSessionManager,
	SubscriptionManager,
} from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import type { HttpTransportOptions } from '@tmcp/transport-http';
import type { AuthInfo } from 'tmcp';

import { liveResponse } from './live-response.ts';
import { RequestWork } from './request-work.ts';
import type { ExecutionContextLike } from './request-work.ts';
import { detached, originalOf } from './detached-request.ts';
import { failureOf } from './failure.ts';
import { trackedServer } from './tracked-server.ts';
import { watchedInfo } from './watched-info.ts';

/** What a deployment chooses: its managers, and what is the transport's own. */
export interface McpHandlerOptions<Custom = undefined> extends Pick<
	HttpTransportOptions,
	'allowedOrigins' | 'cors'
> {
	/** The OAuth helper of `@tmcp/auth`, as the transport takes it. */
	readonly oauth?: OAuthHelper | undefined;
	/** The sessions' GET streams. Default: in memory, of this process alone. */
	readonly streams?: StreamSessionManager | undefined;
	/** What is known of a session. Default: in memory, of this process alone. */
	readonly info?: InfoSessionManager | undefined;
	/** The listeners of the stateless era. Default: in memory, of this process alone. */
	readonly subscriptions?: SubscriptionManager | undefined;
	/** The endpoint's path; null answers on every path. Default: `/mcp`. */
	readonly path?: string | null | undefined;
	/** What tools find as `server.ctx.custom`, for a server with `withContext`. */
	readonly context?: ((request: Request) => Custom | Promise<Custom>) | undefined;
	/** The longest time without a byte on an open stream, at most 25. Default: 15. */
	readonly heartbeatSeconds?: number | undefined;
	/** Told of every failure that no client is told of in full. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}

/** What the transport asks of `@tmcp/auth`, whose types are there only where it is installed. */
export interface OAuthHelper {
	/** Answers the requests of the OAuth flow itself; null lets a request pass. */
	respond(request: Request): Promise<Response | null>;
	/** Who is calling; throws or answers null where nobody is known. */
	verify(request: Request): Promise<AuthInfo | null>;
}

/** An object to export as a Worker's default. */
export interface McpHandler {
	/**
	 * Answers one request: 404 outside its path, 503 with `Retry-After` where a backend is down.
	 *
	 * @param context the platform's, for its `waitUntil`; a process that lives on needs none.
	 */
	fetch(request: Request, env?: unknown, context?: ExecutionContextLike): Promise<Response>;
}

const DEFAULT_HEARTBEAT_SECONDS = 15;
/** On Workers what goes on after a client has left has 30 s: a heartbeat must find it before. */
const MAX_HEARTBEAT_SECONDS = 25;

/** Any server that the transport takes, whatever its schemas. */
type ServerOf<Custom extends Record<string, unknown> | undefined> = ConstructorParameters<
	typeof HttpTransport<Custom>
>[0];

/**
 * Serves a server over Streamable HTTP, in both eras of the protocol, so that a request lives as
 * long as its work: what a tool raises before it returns arrives, streams stay up while they are
 * used and end when their clients have left.
 *
 * Composes `HttpTransport` of `@tmcp/transport-http`. It is made when the turn is over that this is
 * called in: by then the server has its tools, and one that is registered later tells every session
 * that the list changed. From then on changes raised anywhere reach the sessions, a cron job's too.
 *
 * @throws {TmcpSessionsError} `configuration`, where `heartbeatSeconds` is not above 0 and at most 25.
 */
export function createMcpHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: McpHandlerOptions<Custom> = {},
): McpHandler {
	const report = reporterOf(options.onError);
	const heartbeatMs = checkedHeartbeatMs(options.heartbeatSeconds ?? DEFAULT_HEARTBEAT_SECONDS);
	const info =
		options.info ??
		new StoredInfoSessionManager(new InMemorySessionStore(), { onError: options.onError });
	let transport: HttpTransport<Custom> | undefined;
	const attached = (): HttpTransport<Custom> =>
		(transport ??= new HttpTransport<Custom>(
			trackedServer(server, info, report),
			transportOptions(options, info),
		));
	queueMicrotask(attached);

	return {
		async fetch(request, _env, context) {
			const work = new RequestWork(context, report);
			work.endsWithClient = request.method === 'GET';
			try {
				const custom = await options.context?.(request);
				const respond = (): Promise<Response | null> =>
					attached().respond(detached(request), custom);
				return await kept(await runInScope(work, respond), work, heartbeatMs);
			} catch (error) {
				report(error);
				const { body, ...answer } = failureOf(error);
				return Response.json(body, answer);
			}
		},
	};
}

function checkedHeartbeatMs(seconds: number): number {
	if (seconds > 0 && seconds <= MAX_HEARTBEAT_SECONDS) return seconds * 1000;
	throw new TmcpSessionsError(
		'configuration',
		'http',
		`heartbeatSeconds must be above 0 and at most ${MAX_HEARTBEAT_SECONDS}; found ${seconds}`,
	);
}

/** The transport's answer, with what it takes to let its work finish. */
async function kept(
	answer: Response | null,
	work: RequestWork,
	heartbeatMs: number,
): Promise<Response> {
	if (!answer) return new Response('Not found', { status: 404 });
	// The transport answers notifications and responses first and handles them afterwards.
	if (answer.status === 202) work.waitUntil(work.handled);
	const isStream = answer.headers.get('content-type') === 'text/event-stream';
	if (!isStream || !answer.body) return answer;
	return liveResponse(answer, answer.body, work, heartbeatMs);
}

function transportOptions<Custom>(
	options: McpHandlerOptions<Custom>,
	info: InfoSessionManager,
): HttpTransportOptions {
	const { allowedOrigins, cors, oauth, path = '/mcp', subscriptions } = options;
	return {
		path,
		sessionManager: {
			streams: options.streams ?? new InMemoryStreamSessionManager(),
			info: watchedInfo(info),
		},
		...(subscriptions && { subscriptionManager: subscriptions }),
		...(allowedOrigins !== undefined && { allowedOrigins }),
		...(cors !== undefined && { cors }),
		...(oauth && { oauth: withOriginals(oauth) }),
	};
}

/** The helper, which gets the client's own request: it may copy it or send it on. */
function withOriginals(oauth: OAuthHelper): OAuthHelper {
	return {
		respond: (request) => oauth.respond(originalOf(request)),
		verify: (request) => oauth.verify(originalOf(request)),
	};
}
