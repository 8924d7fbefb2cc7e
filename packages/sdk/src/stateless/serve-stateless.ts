import { createMcpHandler } from '@modelcontextprotocol/server';
import type { AuthInfo, McpRequestContext } from '@modelcontextprotocol/server';
import {
	authorizedMessage,
	currentContext,
	HttpRejection,
	idOf,
	isObject,
	methodOf,
	transportRequest,
} from '@tmcp-sessions/http/server';
import type { AuthorizeSubscription, JsonObject, RequestContext } from '@tmcp-sessions/http/server';
import type { SubscriptionManager } from '@tmcp/session-manager';

import type { Broadcast } from '../changes/broadcast.ts';
import type { CreateServer } from '../server/create-server.ts';
import type { SdkServer } from '../server/sdk-server.ts';
import { createStatelessReceiver } from './receive-stateless.ts';
import { startListening } from './start-listening.ts';
import { takeChanges } from './take-changes.ts';

/** What the serving of stateless requests depends on. */
export interface StatelessDeps {
	readonly createServer: CreateServer;
	readonly subscriptions: SubscriptionManager;
	readonly broadcast: Broadcast;
	readonly authorizeSubscription: AuthorizeSubscription | undefined;
	/** Whether an extension may change a response, which it finds in `progress`. */
	readonly withholdsResponses: boolean;
	readonly report: (error: unknown) => void;
}

/** Answers a stateless request. */
export type ServeStateless = (context: RequestContext, message: unknown) => Promise<Response>;

const decoder = new TextDecoder();

/** Errors of the SDK's handler while it serves a request. */
interface Failures {
	/** Why there is no server. */
	factory: Error | undefined;
	readonly others: Error[];
}

/** Creates what answers stateless requests with the SDK's own handler. */
export function createStateless(deps: StatelessDeps): ServeStateless {
	const { report } = deps;
	const receive = createStatelessReceiver(deps.createServer, () => {});
	const failures = new WeakMap<RequestContext, Failures>();
	const handler = createMcpHandler((context) => createStatelessServer(deps, failures, context), {
		legacy: 'reject',
		// The handler in front of it sends keep-alives.
		keepAliveMs: 0,
		onerror(error) {
			const context = currentContext();
			const pending = context && failures.get(context);
			if (pending) pending.others.push(error);
			else report(error);
		},
	});
	return async (context, received) => {
		const { auth } = context.origin;
		checkMethod(context.origin);
		if (!isObject(received)) throw new Error('expected a message; got none');
		context.progress.markBegun();
		checkFailure(context, undefined);
		let message = received;
		const authorize = deps.authorizeSubscription;
		const authorizing = authorize && authorizedMessage(authorize, message);
		if (authorizing) {
			const decision = await authorizing;
			if ('rejection' in decision) return Response.json(decision.rejection);
			message = decision.message;
		}
		if (methodOf(message) === 'subscriptions/listen') {
			const discover = (sent: JsonObject): Promise<JsonObject | null> =>
				// Safe because the caller's auth has the fields that the SDK's has.
				receive(sent, { auth: (auth ?? undefined) as AuthInfo | undefined, request: context });
			return startListening(deps.subscriptions, context, message, discover);
		}
		const failed: Failures = { factory: undefined, others: [] };
		failures.set(context, failed);
		// With the signal of the call, and with headers that a proxy has repeated once.
		const response = await handler.fetch(transportRequest(context), {
			parsedBody: message,
			// Safe because the caller's auth has the fields that the SDK's has.
			...(auth && { authInfo: auth as AuthInfo }),
		});
		failures.delete(context);
		checkFailure(context, failed.factory);
		// A client gets the reason if its request is the mistake.
		if (response.status >= 500) for (const error of failed.others) report(error);
		return answerOf(deps, context, response);
	};
}

/** @throws {HttpRejection} 405 for another method than POST. */
function checkMethod({ method }: RequestContext['origin']): void {
	if (method === 'POST') return;
	const headers = { Allow: 'POST, OPTIONS' };
	throw new HttpRejection(405, -32601, `HTTP method ${method} is not supported`, { headers });
}

/** @throws what the factory or the request has failed with. */
function checkFailure({ progress }: RequestContext, failure: Error | undefined): void {
	const found = failure ?? progress.failure;
	if (!found) return;
	progress.markHandled();
	throw found;
}

/** Returns the answer to a request, of which the SDK has returned a response. */
async function answerOf(
	{ withholdsResponses }: StatelessDeps,
	context: RequestContext,
	response: Response,
): Promise<Response> {
	const { progress } = context;
	const isStream = response.headers.get('content-type') === 'text/event-stream';
	if (isStream && response.body) return new Response(streamOf(context, response.body), response);
	// Hot path: the SDK's response is sent as it is.
	const isWithheld = withholdsResponses && response.status === 200;
	const body: unknown = isWithheld ? await response.json() : undefined;
	if (isObject(body)) progress.withhold(body);
	progress.markHandled();
	return isWithheld ? new Response(null) : response;
}

/** Creates the server of a stateless request. What it changes reaches all clients. */
async function createStatelessServer(
	{ broadcast, createServer }: StatelessDeps,
	failures: WeakMap<RequestContext, Failures>,
	requestContext: McpRequestContext,
): Promise<SdkServer> {
	try {
		const server = await createServer(requestContext);
		takeChanges(server, (change) => {
			// Reported by the broadcast.
			broadcast(change).catch(() => {});
		});
		return server;
	} catch (error) {
		const context = currentContext();
		const pending = context && failures.get(context);
		if (pending && error instanceof Error) pending.factory = error;
		throw error;
	}
}

/** Returns the frames of the SDK's stream, and notes when the server has handled the message. */
function streamOf(
	{ messageId, progress, responseType }: RequestContext,
	body: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
	const reader = body.getReader();
	return new ReadableStream<Uint8Array>({
		async pull(controller) {
			try {
				const { done, value } = await reader.read();
				if (done) {
					progress.markHandled();
					return controller.close();
				}
				if (responseType === 'json') withholdResponse(messageId, progress, value);
				controller.enqueue(value);
			} catch (error) {
				progress.markHandled();
				controller.error(error);
			}
		},
		async cancel(reason) {
			progress.markHandled();
			await reader.cancel(reason);
		},
	});
}

/** Keeps the response for a client that does not accept the stream. The SDK writes one frame at a time. */
function withholdResponse(
	messageId: RequestContext['messageId'],
	progress: RequestContext['progress'],
	frame: Uint8Array,
): void {
	const [, data] = /^data: (.*)$/m.exec(decoder.decode(frame)) ?? [];
	const message: unknown = data === undefined ? undefined : JSON.parse(data);
	if (isObject(message) && idOf(message) === messageId && !('method' in message)) {
		progress.withhold(message);
	}
}
