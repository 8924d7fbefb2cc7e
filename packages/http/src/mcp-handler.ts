import {
	InMemoryStreamSessionManager,
	reasonOf,
	reportToConsole,
	runInScope,
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
import { detached } from './detached-request.ts';
import { trackedServer } from './tracked-server.ts';
import { watchedInfo } from './watched-info.ts';

/** What a deployment chooses: its managers, and what is the transport's own. */
export interface McpHandlerOptions extends Pick<HttpTransportOptions, 'allowedOrigins' | 'cors'> {
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
	/** The longest time without a byte on an open stream. Default: 15. */
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
const RETRY_AFTER_SECONDS = 5;

/** Any server that the transport takes, whatever its schemas. */
type ServerOf<Custom extends Record<string, unknown> | undefined> = ConstructorParameters<
	typeof HttpTransport<Custom>
>[0];

/**
 * Serves a server over Streamable HTTP, in both eras of the protocol, so that a request lives as
 * long as its work: what a tool raises before it returns arrives, streams stay up while they are
 * used and end when their clients have left.
 *
 * Composes `HttpTransport` of `@tmcp/transport-http`. It is made at the first request, when the
 * server's tools are registered: one registered later tells every session that the list changed.
 */
export function createMcpHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: McpHandlerOptions = {},
): McpHandler {
	const onError = options.onError ?? reportToConsole;
	const report = (error: unknown): void =>
		onError(error instanceof Error ? error : new Error(reasonOf(error)));
	const heartbeatMs = (options.heartbeatSeconds ?? DEFAULT_HEARTBEAT_SECONDS) * 1000;
	let transport: HttpTransport<Custom> | undefined;

	return {
		async fetch(request, _env, context) {
			transport ??= new HttpTransport<Custom>(
				trackedServer(server, options.info, report),
				transportOptions(options),
			);
			const work = new RequestWork(context, report);
			work.endsWithClient = request.method === 'GET';
			try {
				const answer = await runInScope(work, () => transport?.respond(detached(request)));
				return await kept(answer, work, heartbeatMs);
			} catch (error) {
				report(error);
				return failure(error);
			}
		},
	};
}

/** The transport's answer, with what it takes to let its work finish. */
async function kept(
	answer: Response | null | undefined,
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

function transportOptions(options: McpHandlerOptions): HttpTransportOptions {
	const { allowedOrigins, cors, oauth, path = '/mcp', info, subscriptions } = options;
	return {
		path,
		sessionManager: {
			streams: options.streams ?? new InMemoryStreamSessionManager(),
			...(info && { info: watchedInfo(info) }),
		},
		...(subscriptions && { subscriptionManager: subscriptions }),
		...(allowedOrigins !== undefined && { allowedOrigins }),
		...(cors !== undefined && { cors }),
		...(oauth && { oauth }),
	};
}

/** Tells the client what it can do, and nothing of what is inside. */
function failure(error: unknown): Response {
	const isBackend =
		error instanceof TmcpSessionsError && (error.code === 'store' || error.code === 'stream');
	const message = isBackend
		? 'The server cannot reach its session storage; try again later'
		: 'Internal error';
	return Response.json(
		{ jsonrpc: '2.0', id: null, error: { code: -32603, message } },
		isBackend
			? { status: 503, headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) } }
			: { status: 500 },
	);
}
