import { createMcpHandler } from '@modelcontextprotocol/server';
import type { AuthInfo, JSONRPCMessage, McpRequestContext } from '@modelcontextprotocol/server';
import {
	authorizedMessage,
	currentContext,
	followClient,
	hasInput,
	HttpRejection,
	idOf,
	inOneLine,
	invalidRequestError,
	isAnsweredAtOnce,
	isClientResponse,
	isObject,
	isWithheld,
	methodOf,
	openedInput,
	requiresInput,
	sealedInput,
	STREAM_HEADERS,
	transportRequest,
} from '@tmcp-sessions/http/server';
import type {
	AuthorizeSubscription,
	JsonObject,
	RequestContext,
	StateSealing,
} from '@tmcp-sessions/http/server';
import type { SubscriptionManager } from '@tmcp/session-manager';

import type { Broadcast } from '../changes/broadcast.ts';
import type { CreateServer } from '../server/create-server.ts';
import { trackHandler } from '../server/running-handler.ts';
import type { SdkServer } from '../server/sdk-server.ts';
import { createStatelessReceiver } from './receive-stateless.ts';
import { startListening } from './start-listening.ts';
import { interceptSends } from './intercept-sends.ts';

const INTERNAL_ERROR = -32_603;

/** What the serving of stateless requests depends on. */
export interface StatelessDeps {
	readonly createServer: CreateServer;
	readonly subscriptions: SubscriptionManager;
	readonly broadcast: Broadcast;
	readonly authorizeSubscription: AuthorizeSubscription | undefined;
	readonly sealing: StateSealing;
	/** The longest time without a byte to a client that waits for a response. */
	readonly keepAliveMs: number;
	readonly report: (error: unknown) => void;
}

/**
 * Answers a stateless request.
 *
 * @param replacement of the message that the client has sent.
 */
export type ServeStateless = (context: RequestContext, replacement: unknown) => Promise<Response>;

/** What the SDK's handler does with one request. */
interface Exchange {
	readonly method: string;
	/** Why there is no server. */
	factoryError: Error | undefined;
	readonly otherErrors: Error[];
	/** Waits until the server has handled the message. */
	handled: () => Promise<void>;
}

/** Creates what answers stateless requests with the SDK's own handler. */
export function createStateless(deps: StatelessDeps): ServeStateless {
	const { report, subscriptions } = deps;
	const receive = createStatelessReceiver(deps.createServer, () => {});
	const exchanges = new WeakMap<RequestContext, Exchange>();
	const handler = createMcpHandler((context) => createStatelessServer(deps, exchanges, context), {
		legacy: 'reject',
		// The handler in front of it sends keep-alives.
		keepAliveMs: 0,
		onerror(error) {
			const context = currentContext();
			const exchange = context && exchanges.get(context);
			if (exchange) exchange.otherErrors.push(error);
			else report(error);
		},
	});
	const fetch = (context: RequestContext, message: JsonObject): Promise<Response> => {
		const { auth } = context.origin;
		const exchange: Exchange = {
			method: methodOf(message) ?? '',
			factoryError: undefined,
			otherErrors: [],
			handled: async () => {},
		};
		exchanges.set(context, exchange);
		// With the signal of the call, and with headers that a proxy has repeated once.
		const answering = handler.fetch(transportRequest(context), {
			parsedBody: message,
			// Safe because the caller's auth has the fields that the SDK's has.
			...(auth && { authInfo: auth as AuthInfo }),
		});
		return answer(deps, context, exchange, answering);
	};
	return async (context, replacement) => {
		checkMethod(context.origin);
		const received: unknown = replacement ?? context.takeMessage();
		if (!isObject(received)) throw new Error('expected a message; got none');
		context.progress.markBegun();
		checkFailure(context, undefined);
		const prepared = prepare(deps, received);
		const decision = prepared && (await prepared);
		if (decision && 'rejection' in decision) return answerWith(context, decision.rejection);
		const message = decision?.message ?? received;
		if (methodOf(message) !== 'subscriptions/listen') return fetch(context, message);
		// Safe because the caller's auth has the fields that the SDK's has.
		const auth = (context.origin.auth ?? undefined) as AuthInfo | undefined;
		return startListening(subscriptions, context, message, (discover) =>
			receive(discover, { auth, request: context }),
		);
	};
}

/**
 * Authorizes the subscriptions that a message asks for, and opens its request state. Returns `undefined`
 * for most messages, which have neither.
 */
function prepare(
	{ authorizeSubscription: authorize, sealing }: StatelessDeps,
	message: JsonObject,
): ReturnType<typeof openedInput<JsonObject>> | undefined {
	return (
		(authorize && authorizedMessage(authorize, message)) ??
		(hasInput(message) ? openedInput(message, sealing) : undefined)
	);
}

/** @throws {HttpRejection} 405 for another method than POST. */
function checkMethod({ method }: RequestContext['origin']): void {
	if (method === 'POST') return;
	const headers = { Allow: 'POST, OPTIONS' };
	throw new HttpRejection(405, -32601, `HTTP method ${method} is not supported`, { headers });
}

/** @throws what the factory or the request has failed with. */
function checkFailure({ progress }: RequestContext, factoryError: Error | undefined): void {
	const found = factoryError ?? progress.failure;
	if (!found) return;
	progress.markHandled();
	throw found;
}

/** Answers with a response that no server has returned. */
function answerWith({ progress }: RequestContext, response: JsonObject): Response {
	progress.withhold(response);
	progress.markHandled();
	return new Response(null);
}

/**
 * Returns the SDK's answer, with its status, if it comes within the time that a client may wait without
 * a byte. Otherwise, returns a stream: the handler in front of this one sends keep-alives on it.
 */
async function answer(
	deps: StatelessDeps,
	context: RequestContext,
	exchange: Exchange,
	answering: Promise<Response>,
): Promise<Response> {
	let isAnswered = false;
	const finish = async (): Promise<Response> => {
		try {
			return await finished(deps, context, exchange, await answering);
		} finally {
			isAnswered = true;
		}
	};
	const finishing = finish();
	// A rejection is handled below, or ends the stream.
	finishing.catch(() => {});
	if (await isAnsweredAtOnce(() => isAnswered)) return finishing;
	followClient(context);
	const { promise: expired, resolve: expire } = Promise.withResolvers<undefined>();
	// The timer also keeps workerd from ending the request as hung while it awaits another request.
	const timer =
		context.responseType === 'sse'
			? setTimeout(expire, deps.keepAliveMs)
			: setInterval(() => {}, deps.keepAliveMs);
	try {
		const response = await Promise.race([finishing, expired]);
		return response ?? new Response(streamOf(context, finishing), { headers: STREAM_HEADERS });
	} finally {
		clearTimeout(timer);
	}
}

/** Returns the answer to a request, of which the SDK has returned a response. */
async function finished(
	{ report }: StatelessDeps,
	context: RequestContext,
	{ factoryError, handled, otherErrors }: Exchange,
	response: Response,
): Promise<Response> {
	const { progress } = context;
	checkFailure(context, factoryError);
	// A client gets the reason if its request is the mistake.
	if (response.status >= 500) for (const error of otherErrors) report(error);
	if (response.headers.get('content-type') === 'text/event-stream' && response.body) {
		return new Response(framesOf(context, response.body, handled), response);
	}
	if (progress.signal.aborted) {
		context.waitUntil(handled().then(() => progress.markHandled()));
		return response;
	}
	progress.markHandled();
	// Hot path: the handler in front of this one writes the response, and ignores this body.
	return response.status === 200 && progress.response ? response : inOneLine(response);
}

/** Creates the server of a stateless request. What it changes reaches all clients. */
async function createStatelessServer(
	{ broadcast, createServer, sealing }: StatelessDeps,
	exchanges: WeakMap<RequestContext, Exchange>,
	requestContext: McpRequestContext,
): Promise<SdkServer> {
	const context = currentContext();
	const exchange = context && exchanges.get(context);
	if (!exchange) throw new Error('expected the current request; got none');
	try {
		const server = await createServer(requestContext);
		exchange.handled = trackHandler(server, exchange.method);
		interceptSends(server, {
			// Reported by the broadcast.
			onChange: (change) => void broadcast(change).catch(() => {}),
			onMessage: (message) => sentMessage(context, sealing, message),
		});
		return server;
	} catch (error) {
		if (error instanceof Error) exchange.factoryError = error;
		throw error;
	}
}

/** Returns what the SDK writes of a message that its server sends. */
function sentMessage(
	context: RequestContext,
	sealing: StateSealing,
	message: JSONRPCMessage,
): JSONRPCMessage | Promise<JSONRPCMessage> {
	const sent: JsonObject = { ...message };
	if (!isClientResponse(sent)) {
		context.progress.markFrameSent();
		return message;
	}
	if (sent.error !== undefined) {
		const specified = specifiedError(context, sent);
		isWithheld(specified, context);
		// Safe because an error response stays one. The SDK takes the status from it.
		return specified as never;
	}
	if (!requiresInput(sent)) return written(context, sent, message);
	// Safe because a sealed response is a response.
	return sealedInput(sent, sealing).then((sealed) => written(context, sealed, sealed as never));
}

/** Returns an error with the code of the specification: the SDK 2.4 answers invalid params with -32603. */
function specifiedError({ message }: RequestContext, response: JsonObject): JsonObject {
	if (!isObject(response.error) || response.error.code !== INTERNAL_ERROR) return response;
	const invalid = isObject(message) && invalidRequestError(message, { hasMethod: () => true });
	return invalid ? { ...response, error: invalid.error } : response;
}

/** Leaves the result to the handler in front of this one, unless frames precede it. */
function written(
	context: RequestContext,
	sent: JsonObject,
	message: JSONRPCMessage,
): JSONRPCMessage {
	if (!isWithheld(sent, context)) return message;
	// Hot path: the SDK writes less.
	return { jsonrpc: '2.0', id: idOf(sent) ?? 0, result: {} };
}

/** Returns the stream of a call that takes longer than its client may wait without a byte. */
function streamOf(
	context: RequestContext,
	finishing: Promise<Response>,
): ReadableStream<Uint8Array> {
	const { progress } = context;
	return new ReadableStream<Uint8Array>({
		async start(controller) {
			try {
				const response = await finishing;
				const { body } = response;
				// The status has been sent by now.
				const error: unknown = response.status === 200 ? undefined : await response.json();
				if (isObject(error)) progress.withhold(error);
				else if (body && !progress.response)
					for await (const frames of body) controller.enqueue(frames);
				controller.close();
			} catch (error) {
				controller.error(error);
			}
		},
		cancel: () => progress.signal.abort(),
	});
}

/** Returns the frames of the SDK's stream, and notes when the server has handled the message. */
function framesOf(
	context: RequestContext,
	body: ReadableStream<Uint8Array>,
	handled: () => Promise<void>,
): ReadableStream<Uint8Array> {
	const { progress } = context;
	const reader = body.getReader();
	return new ReadableStream<Uint8Array>({
		async pull(controller) {
			try {
				const { done, value } = await reader.read();
				if (!done) return controller.enqueue(value);
				if (progress.signal.aborted) await handled();
				progress.markHandled();
				controller.close();
			} catch (error) {
				progress.markHandled();
				controller.error(error);
			}
		},
		async cancel(reason) {
			await reader.cancel(reason);
			await handled();
			progress.markHandled();
		},
	});
}
