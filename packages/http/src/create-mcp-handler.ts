import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import { createReporter } from '@tmcp-sessions/core/backend';
import { hasResumableStreams } from '@tmcp-sessions/core/internal';
import { HttpTransport } from '@tmcp/transport-http';
import type { HttpTransportOptions } from '@tmcp/transport-http';

import { respondOrReject } from './endpoint/respond-or-reject.ts';
import { claimBroadcasts, withoutBroadcasts } from './transport/broadcasts.ts';
import { createInFlightCalls } from './calls/create-in-flight-calls.ts';
import { resolveOptions } from './resolve-options.ts';
import { corsOptions, withCors } from './response/cors.ts';
import { McpEndpoint } from './endpoint/mcp-endpoint.ts';
import { DirectCalls } from './calls/direct-calls.ts';
import type { HandlerSeams } from './endpoint/handler-seams.ts';
import type { McpHandler, McpHandlerOptions, ServerOf } from './options.ts';
import { endResumedCalls } from './transport/resumed-streams.ts';
import { RequestContext } from './request/request-context.ts';
import { sessionKeys } from './session/session-keys.ts';
import { SessionResolver } from './session/session-resolver.ts';
import { bindSubscriptionsToRequest } from './transport/tied-subscriptions.ts';
import { currentContext, createTrackedServer } from './transport/tracked-server.ts';

const DEFAULT_PATH = '/mcp';

/**
 * Serves a server over Streamable HTTP, in both eras of the protocol and by its rules, so that a
 * request lives as long as its work.
 *
 * Composes `HttpTransport` of `@tmcp/transport-http`. It is made when the turn is over that this is
 * called in: by then the server has its tools, and one that is registered later tells every session
 * that the list changed. From then on changes raised anywhere reach the sessions, a cron job's too.
 *
 * @param seams for a package that composes this, see `@tmcp-sessions/http/internal`.
 * @throws {TmcpSessionsError} `configuration`, where a number is out of its range, a key is too
 * short, or `oauth` comes without `principal`.
 */
export function createMcpHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: McpHandlerOptions<Custom> = {},
	seams: HandlerSeams = {},
): McpHandler {
	const report = createReporter(options.onError);
	const checked = resolveOptions(options);
	const { info, oauth, cors } = options;
	const streams = options.streams ?? new InMemoryStreamSessionManager();
	const resumable = hasResumableStreams(streams) ? streams : undefined;
	const { onPrimed } = seams;
	const calls = createInFlightCalls(
		server,
		streams,
		resumable,
		checked.clientResponseTimeoutMs,
		report,
		onPrimed,
	);
	const told = claimBroadcasts(server, streams) ? streams : withoutBroadcasts(streams);

	const tracked = createTrackedServer(server, {
		...{ info, report, calls },
		canResume: hasResumableStreams(streams),
	});
	let transport: HttpTransport<Custom> | undefined;
	const attached = (): HttpTransport<Custom> =>
		(transport ??= new HttpTransport<Custom>(
			tracked,
			transportOptions({ ...options, streams: endResumedCalls(told, calls) }, report),
		));
	queueMicrotask(attached);

	let endpoint: McpEndpoint<Custom> | undefined;
	const endpointOf = (env: unknown): McpEndpoint<Custom> =>
		(endpoint ??= new McpEndpoint<Custom>({
			...checked,
			path: options.path === undefined ? DEFAULT_PATH : options.path,
			calls,
			oauth,
			context: options.context,
			transport: attached(),
			// Which origins may read an answer is the transport's to say.
			direct: cors ? undefined : new DirectCalls(tracked, info),
			sessions:
				info && new SessionResolver(sessionKeys(options.sessionKeys, env), info, seams.names),
			route: seams.route,
			caller: seams.caller,
		}));

	return {
		fetch(request, env, platform) {
			const findShard = (): string => checked.shardOf(request);
			const work = new RequestContext(request.headers, findShard, platform, report, calls);
			work.complete = seams.complete;
			const answer = respondOrReject(work, () => endpointOf(env).respond(request, work, platform));
			return cors ? answer.then((response) => withCors(response, request, attached())) : answer;
		},
	};
}

function transportOptions<Custom>(
	options: McpHandlerOptions<Custom>,
	report: (error: unknown) => void,
): HttpTransportOptions {
	const { cors, info, oauth, path = DEFAULT_PATH, streams, subscriptions } = options;
	return {
		path,
		getSessionId: () => currentContext()?.sessionId ?? '',
		sessionManager: { ...(streams && { streams }), ...(info && { info }) },
		...(subscriptions && {
			subscriptionManager: bindSubscriptionsToRequest(subscriptions, report),
		}),
		// Checked before, with the host.
		allowedOrigins: true,
		...corsOptions(cors),
		// Asked before, since sessions are the caller's.
		...(oauth && {
			oauth: {
				respond: () => Promise.resolve(null),
				verify: () => Promise.resolve(currentContext()?.auth ?? null),
			},
		}),
	};
}
