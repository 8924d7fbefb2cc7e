import {
	createSessionIds,
	hasInboxes,
	isResumable,
	InMemoryStreamSessionManager,
	reporterOf,
	TmcpSessionsError,
} from '@tmcp-sessions/core';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import type { HttpTransportOptions } from '@tmcp/transport-http';

import { Callers } from './callers.ts';
import { CallsAtWork, noAnswer } from './calls-at-work.ts';
import type { HandlerSeams } from './handler-seams.ts';
import type { Answer } from './message.ts';
import { McpEndpoint } from './mcp-endpoint.ts';
import type { EndpointParts } from './mcp-endpoint.ts';
import type { McpHandler, McpHandlerOptions } from './options.ts';
import { OriginRules } from './origin-rules.ts';
import { Refusal, refusalDetailOf, refusalResponse } from './refusal.ts';
import { resumedStreams } from './resumed-streams.ts';
import { RequestWork } from './request-work.ts';
import { secretsIn, sessionKeys } from './session-keys.ts';
import { SessionRules } from './session-rules.ts';
import { tiedSubscriptions } from './tied-subscriptions.ts';
import { currentWork, trackedServer } from './tracked-server.ts';

const DEFAULT_HEARTBEAT_SECONDS = 15;
/** On Workers what goes on after a client has left has 30 s: a heartbeat must find it before. */
const MAX_HEARTBEAT_SECONDS = 25;
const DEFAULT_ANSWER_SECONDS = 300;
const MAX_ANSWER_SECONDS = 24 * 60 * 60;
const DEFAULT_MAX_BODY_BYTES = 4 * 1_024 * 1_024;
/** What Workers take at most, whatever the plan. */
const MAX_BODY_BYTES = 500 * 1_024 * 1_024;
const CORS_DEFAULTS = {
	/** What a browser's client must be let see: without its session's id it has no session. */
	exposedHeaders: ['Mcp-Session-Id', 'WWW-Authenticate', 'Retry-After'],
	/** The Fetch standard leaves Authorization out of the asterisk. */
	allowedHeaders: ['*', 'Authorization'],
};

/** Any server that the transport takes, whatever its schemas. */
type ServerOf<Custom extends Record<string, unknown> | undefined> = ConstructorParameters<
	typeof HttpTransport<Custom>
>[0];

/**
 * Serves a server over Streamable HTTP, in both eras of the protocol and by its rules, so that a
 * request lives as long as its work.
 *
 * Composes `HttpTransport` of `@tmcp/transport-http`. It is made when the turn is over that this is
 * called in: by then the server has its tools, and one that is registered later tells every session
 * that the list changed. From then on changes raised anywhere reach the sessions, a cron job's too.
 *
 * @param seams for a package that composes this, see `@tmcp-sessions/http/seams`.
 * @throws {TmcpSessionsError} `configuration`, where a number is out of its range, a key is too
 * short, or `oauth` comes without `principal`.
 */
export function createMcpHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: McpHandlerOptions<Custom> = {},
	seams: HandlerSeams = {},
): McpHandler {
	const report = reporterOf(options.onError);
	const checked = checkedOptions(options);
	const { info, oauth, cors } = options;
	const streams = options.streams ?? new InMemoryStreamSessionManager();
	const calls = callsAtWork(server, streams, checked.answerMs, report, seams.onPrimed);

	let transport: HttpTransport<Custom> | undefined;
	const attached = (): HttpTransport<Custom> =>
		(transport ??= new HttpTransport<Custom>(
			trackedServer(server, {
				...{ info, report },
				canResume: isResumable(streams),
				ask: (...question) => calls.ask(...question),
			}),
			transportOptions({ ...options, streams: resumedStreams(streams, calls) }, report),
		));
	queueMicrotask(attached);

	let endpoint: McpEndpoint<Custom> | undefined;
	const endpointOf = (env: unknown): McpEndpoint<Custom> =>
		(endpoint ??= new McpEndpoint<Custom>({
			...checked,
			calls,
			oauth,
			context: options.context,
			transport: attached(),
			sessions: info && new SessionRules(sessionKeys(options.sessionKeys, env), info, seams.names),
			route: seams.route,
			caller: seams.caller,
		}));

	return {
		async fetch(request, env, platform) {
			const work = new RequestWork(request.headers, platform, report);
			work.complete = seams.complete;
			let response: Response;
			try {
				response = await endpointOf(env).respond(request, work, platform);
			} catch (error) {
				// A refusal is for its client alone: nothing is wrong here.
				if (!(error instanceof Refusal)) work.report(error);
				// Once the server has the message, it says itself when it is through.
				if (!work.hasBegun) work.finish();
				response = refusalResponse(refusalDetailOf(error), work.messageId ?? null);
			}
			return cors ? withCors(response, request, attached()) : response;
		},
	};
}

type Checked = Pick<
	EndpointParts<undefined>,
	'callers' | 'heartbeatMs' | 'maxBodyBytes' | 'origins' | 'path'
> & { readonly answerMs: number };

/** What can be made before there is an environment. */
function checkedOptions<Custom>(options: McpHandlerOptions<Custom>): Checked {
	const { heartbeatSeconds = DEFAULT_HEARTBEAT_SECONDS, path = '/mcp' } = options;
	const { answerSeconds = DEFAULT_ANSWER_SECONDS, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
	const between = (name: string, value: number, atMost: number): number => {
		if (value > 0 && value <= atMost) return value;
		throw new TmcpSessionsError(
			'configuration',
			'http',
			`${name} must be above 0 and at most ${atMost}; found ${value}`,
		);
	};
	// Those of the environment are there with the first request.
	if (options.sessionKeys) createSessionIds({ keys: secretsIn(options.sessionKeys) });
	return {
		path,
		origins: new OriginRules(options),
		callers: new Callers(options.oauth, options.principal),
		maxBodyBytes: between('maxBodyBytes', maxBodyBytes, MAX_BODY_BYTES),
		heartbeatMs: between('heartbeatSeconds', heartbeatSeconds, MAX_HEARTBEAT_SECONDS) * 1000,
		answerMs: between('answerSeconds', answerSeconds, MAX_ANSWER_SECONDS) * 1000,
	};
}

function callsAtWork<Custom extends Record<string, unknown> | undefined>(
	server: ServerOf<Custom>,
	streams: StreamSessionManager,
	answerMs: number,
	report: (error: unknown) => void,
	onPrimed: HandlerSeams['onPrimed'],
): CallsAtWork {
	// Without a way between isolates, answers find the calls of their own.
	const inboxes = hasInboxes(streams) ? streams : new InMemoryStreamSessionManager();
	const takeAnswer = async (answer: Answer): Promise<void> => {
		try {
			// Sound: whatever is no answer is thrown back.
			await server.receive(answer as unknown as Parameters<typeof server.receive>[0]);
		} catch {
			await server.receive(noAnswer(answer.id, 'The client sent what is no answer'));
		}
	};
	const resumable = isResumable(streams) ? streams : undefined;
	return new CallsAtWork(
		inboxes,
		resumable,
		answerMs,
		(answer) => void takeAnswer(answer).catch(report),
		onPrimed,
	);
}

function transportOptions<Custom>(
	options: McpHandlerOptions<Custom>,
	report: (error: unknown) => void,
): HttpTransportOptions {
	const { cors, info, oauth, path = '/mcp', streams, subscriptions } = options;
	return {
		path,
		getSessionId: () => currentWork()?.sessionId ?? '',
		sessionManager: { ...(streams && { streams }), ...(info && { info }) },
		...(subscriptions && { subscriptionManager: tiedSubscriptions(subscriptions, report) }),
		// Checked before, with the host.
		allowedOrigins: true,
		...(cors && { cors: { ...CORS_DEFAULTS, ...(cors === true ? { origin: true } : cors) } }),
		// Asked before, since sessions are the caller's.
		...(oauth && {
			oauth: {
				respond: () => Promise.resolve(null),
				verify: () => Promise.resolve(currentWork()?.auth ?? null),
			},
		}),
	};
}

/**
 * Gives a response that is not the transport's own the headers that it would have: they are the
 * transport's to make, which is asked for them as a browser would.
 */
async function withCors<Custom extends Record<string, unknown> | undefined>(
	response: Response,
	request: Request,
	transport: HttpTransport<Custom>,
): Promise<Response> {
	if (response.headers.has('access-control-allow-methods')) {
		// One answer for each origin: a cache must not give it to another.
		response.headers.append('Vary', 'Origin');
		return response;
	}
	const origin = request.headers.get('origin');
	const asked = new Request(request.url, {
		method: 'OPTIONS',
		...(origin !== null && { headers: { origin } }),
	});
	const answer = await transport.respond(asked);
	const shown = new Response(response.body, response);
	shown.headers.append('Vary', 'Origin');
	answer?.headers.forEach((value, name) => {
		if (name.startsWith('access-control-')) shown.headers.set(name, value);
	});
	return shown;
}
