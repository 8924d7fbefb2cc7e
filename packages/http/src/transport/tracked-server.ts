import { currentScope, keepRequestAlive } from '@tmcp-sessions/core/backend';
import { hasSessionSealing } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager } from '@tmcp/session-manager';
import type { McpServer } from 'tmcp';

import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import { initializeResult } from './initialize-result.ts';
import type { Offer } from './initialize-result.ts';
import { idOf, isMisshapen, isObject, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { Question } from '../request/json-rpc.ts';
import { runAsOneBroadcast } from './one-broadcast.ts';
import { withOverrides } from './with-overrides.ts';
import { invalidRequest } from '../request/http-rejection.ts';
import { RequestContext } from '../request/request-context.ts';

type Receive = McpServer['receive'];
type Listener = (detail: unknown) => unknown;
type On = (event: string, listener: Listener, options?: AddEventListenerOptions) => () => void;

/** What the server as the transport sees it depends on. */
export interface Tracking {
	/** Where sessions are kept; nowhere, where there are none. */
	readonly info: InfoSessionManager | undefined;
	readonly report: (error: unknown) => void;
	/** Whether streams can be resumed, which is what 2025-11-25 is about. */
	readonly canResume: boolean;
	/** The calls of the transport, which ask their clients. */
	readonly calls: Pick<InFlightCalls, 'ask'>;
}

/**
 * The server as the transport gets to see it: itself, but that what the transport starts and does
 * not await is tied to the request. On workerd it would be dropped once the answer has gone.
 *
 * - `receive` holds its answer back until the session's store has confirmed what it wrote, so that
 *   the client's next request finds it in any isolate.
 * - `on` keeps the promises of the transport's listeners, such as a broadcast that looks up the
 *   subscribers first. A question to the client goes out under an id of its own.
 */
export function createTrackedServer<Server extends Pick<McpServer, 'on' | 'receive'>>(
	server: Server,
	{ info, report, canResume, calls }: Tracking,
): Server {
	const offer = {
		hasSessions: info !== undefined,
		storesMutableState: !info || !hasSessionSealing(info) || info.storesMutableState,
	};
	const receive = async (...[message, context]: Parameters<Receive>): Promise<unknown> => {
		const work = currentContext();
		if (work?.direct?.hasBegun) return work.direct.takeOver(context?.signal);
		const isRequest = 'method' in message && 'id' in message;
		try {
			work?.begin();
			if (work?.failure) throw work.failure;
			// Answers take another way: nothing that a client numbers itself reaches tmcp's questions.
			if (methodOf(message) === undefined) throw invalidRequest('The message has no method');
			const response: unknown = await server.receive(message, context);
			// A codec says no more of a store that is down than a client may know.
			if (work?.failure) throw work.failure;
			if (info && context?.sessionId && canFlush(info)) await info.flush(context.sessionId);
			return kept(shown(message, response, { ...offer, canResume }), work);
		} catch (error) {
			// Its client has to know, and nobody else.
			if (isMisshapen(error)) throw invalidRequest('The message is not one of the protocol');
			// A request's stream ends with the error; the other messages have been answered already.
			if (!isRequest) report(error);
			throw error;
		} finally {
			work?.finish();
		}
	};
	const on = trackedListeners(server, { report, calls });
	// Sound: the same methods with their overloads and type parameters left out.
	return withOverrides(server, { receive, on } as Partial<Server>);
}

/** The server's `on`, whose listeners' promises keep the request alive. */
function trackedListeners(
	server: Pick<McpServer, 'on'>,
	{ report, calls }: Pick<Tracking, 'report' | 'calls'>,
): On {
	const tell = (listener: Listener, detail: unknown, isBroadcast = false): void => {
		const work = (): unknown => listener(detail);
		const result = isBroadcast ? runAsOneBroadcast(work) : work();
		if (result instanceof Promise) keepRequestAlive(result, (late) => void late.catch(report));
	};
	// Sound: the same method with its overloads left out.
	const serverOn = server.on.bind(server) as On;
	return (event, listener, options) =>
		serverOn(
			event,
			(detail) => {
				if (event !== 'send') return tell(listener, detail, event === 'broadcast');
				const work = currentContext();
				// Every transport of the server hears of it.
				if (work?.calls !== undefined && work.calls !== calls) return;
				const question = questionIn(detail);
				const say = (said: unknown): void => {
					if (work) work.hasSpoken = true;
					const telling = (): void => tell(listener, said);
					if (work?.direct) work.direct.say(telling);
					else telling();
				};
				if (question) calls.ask(work, question, (request) => say({ request }));
				else say(detail);
			},
			options,
		);
}

/** The request that this code runs for. */
export function currentContext(): RequestContext | undefined {
	const scope = currentScope();
	return scope instanceof RequestContext ? scope : undefined;
}

/** The response as the client gets to see it. */
function shown(message: object, response: unknown, offer: Offer): unknown {
	if (methodOf(message) !== 'initialize' || !isObject(response)) return response;
	const { result } = response;
	if (!isObject(result)) return response;
	const requested = paramsOf(message)['protocolVersion'];
	return { ...response, result: initializeResult(result, requested, offer) };
}

/** Keeps a response from the transport's stream, where nothing has gone out before it. */
function kept(response: unknown, work: RequestContext | undefined): unknown {
	if (!work || !isObject(response) || work.isListening) return response;
	if (work.responseType === 'sse' && work.hasSpoken) return response;
	work.response = response;
	return null;
}

/** What the server asks the client; notifications have no id. */
function questionIn(detail: unknown): Question | undefined {
	const request = isObject(detail) && isObject(detail.request) ? detail.request : undefined;
	const id = idOf(request);
	return request && id !== undefined ? { ...request, id } : undefined;
}

function canFlush(info: object): info is { flush(id: string): Promise<void> } {
	return 'flush' in info && typeof info.flush === 'function';
}
