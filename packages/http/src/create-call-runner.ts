import type { RequestScope } from '@tmcp-sessions/core/backend';

import type { CallRunnerOptions, RoutedCall, RunCall } from './calls/routed-call.ts';
import { createMcpHandler } from './create-mcp-handler.ts';
import { invalidRequest } from './request/http-rejection.ts';
import type { McpHandler, ServerOf } from './options.ts';
import type { PlainAnswer } from './response/answer.ts';

/** Creates what answers the calls that a Worker sends to the object of a session. */
export function createCallRunner<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	{ onPrimed, ...options }: CallRunnerOptions,
): RunCall {
	const plain = new WeakMap<object, PlainAnswer>();
	const handler: McpHandler = createMcpHandler<Custom>(
		server,
		{
			...options,
			...{ path: null, allowedHosts: true, allowedOrigins: true },
			oauth: { verify: async (request) => callOf(request).auth },
			principal: (request) => callOf(request).principal,
		},
		{
			onPrimed: (call: RequestScope, stream) => onPrimed?.(call, stream),
			complete: (body, status, headers) => {
				const fields = headers instanceof Headers ? Object.fromEntries(headers) : headers;
				const answer = { status, headers: fields, body };
				plain.set(answer, answer);
				// Safe because `run` alone gets it.
				return answer as unknown as Response;
			},
			caller: (request) => callOf(request),
			names: () => ({
				open: async (_principal, headers) => headers.get(NEW_SESSION) ?? '',
				verify: async () => true,
			}),
		},
	);
	return async (call, platform) => {
		const answer = await handler.fetch(requestOf(call), undefined, platform);
		return plain.get(answer) ?? answer;
	};
}

const NEW_SESSION = 'tmcp-new-session';

/** What the handler reads of a request. */
class CallRequest implements Pick<Request, 'bodyUsed' | 'method' | 'signal' | 'url'> {
	readonly call: RoutedCall;
	readonly method: string;
	readonly url = 'http://localhost/';
	readonly bodyUsed = false;
	readonly headers: Pick<Headers, 'get'>;
	/** Created on demand: workerd of July 2026 creates none at module scope. */
	#signal: AbortSignal | undefined;

	constructor(call: RoutedCall) {
		this.call = call;
		this.method = call.method;
		const { body, headers } = call;
		this.headers = {
			get(name) {
				const key = name.toLowerCase();
				if (key === NEW_SESSION) return newSessionOf(call);
				if (key === 'content-length') return `${body.length}`;
				return headers[key] ?? null;
			},
		};
	}

	get signal(): AbortSignal {
		return (this.#signal ??= new AbortController().signal);
	}

	text(): Promise<string> {
		return Promise.resolve(this.call.body);
	}
}

/** @throws {HttpRejection} 400 if the client sent `initialize` with the id of an existing session. */
function newSessionOf({ headers, sessionId }: RoutedCall): string {
	if (headers['mcp-session-id'] !== sessionId) return sessionId;
	throw invalidRequest('initialize opens a session: send it without an Mcp-Session-Id');
}

function requestOf(call: RoutedCall): Request {
	// Safe because the handler uses these members alone.
	return new CallRequest(call) as unknown as Request;
}

function callOf(request: Request): RoutedCall {
	// Safe because `requestOf` makes every request of this handler.
	return (request as unknown as CallRequest).call;
}
