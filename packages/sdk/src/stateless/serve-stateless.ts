import { createMcpHandler } from '@modelcontextprotocol/server';
import type { AuthInfo, McpRequestContext } from '@modelcontextprotocol/server';
import {
	authorizedMessage,
	currentContext,
	HttpRejection,
	idOf,
	isObject,
} from '@tmcp-sessions/http/server';
import type { AuthorizeSubscription, RequestContext } from '@tmcp-sessions/http/server';

import type { Broadcast } from '../changes/broadcast.ts';
import type { CreateServer } from '../server/create-server.ts';
import type { SdkServer } from '../server/sdk-server.ts';
import type { ListenBus, Registration } from './listen-bus.ts';
import { takeChanges } from './take-changes.ts';

/** What the serving of stateless requests depends on. */
export interface StatelessDeps {
	readonly createServer: CreateServer;
	readonly bus: ListenBus;
	readonly broadcast: Broadcast;
	readonly authorizeSubscription: AuthorizeSubscription | undefined;
	/** Whether an extension may change a response, which it finds in `progress`. */
	readonly withholdsResponses: boolean;
	readonly report: (error: unknown) => void;
}

/** Answers a stateless request. */
export type ServeStateless = (context: RequestContext, message: unknown) => Promise<Response>;

const SUBSCRIPTION_ID_KEY = 'io.modelcontextprotocol/subscriptionId';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Errors of the SDK's handler while it serves a request. */
interface Failures {
	/** Why there is no server. */
	factory: Error | undefined;
	readonly others: Error[];
}

/** Creates what answers stateless requests with the SDK's own handler. */
export function createStateless(deps: StatelessDeps): ServeStateless {
	const { bus, report } = deps;
	const failures = new WeakMap<RequestContext, Failures>();
	const handler = createMcpHandler((context) => createStatelessServer(deps, failures, context), {
		legacy: 'reject',
		bus,
		// The handler and the managers send keep-alives and bound subscriptions.
		keepAliveMs: 0,
		maxSubscriptions: Number.MAX_SAFE_INTEGER,
		onerror(error) {
			const context = currentContext();
			const pending = context && failures.get(context);
			if (pending) pending.others.push(error);
			else report(error);
		},
	});
	return async (context, received) => {
		const { auth, request } = checkOrigin(context);
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
		bus.expect(context, message);
		const failed: Failures = { factory: undefined, others: [] };
		failures.set(context, failed);
		const response = await handler.fetch(request, {
			parsedBody: message,
			// Safe because the caller's auth has the fields that the SDK's has.
			...(auth && { authInfo: auth as AuthInfo }),
		});
		failures.delete(context);
		checkFailure(context, failed.factory);
		// The client gets the details of its own mistakes.
		if (response.status >= 500) for (const error of failed.others) report(error);
		return answerOf(deps, context, response);
	};
}

/** @throws {HttpRejection} 405 for another method than POST. */
function checkOrigin({ origin }: RequestContext): {
	readonly auth: RequestContext['origin']['auth'];
	readonly request: Request;
} {
	const { auth, method, request } = origin;
	if (method !== 'POST') {
		const headers = { Allow: 'POST, OPTIONS' };
		throw new HttpRejection(405, -32601, `HTTP method ${method} is not supported`, { headers });
	}
	if (!request) throw new Error('expected an HTTP request; got none');
	return { auth, request };
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
	{ bus, withholdsResponses }: StatelessDeps,
	context: RequestContext,
	response: Response,
): Promise<Response> {
	const { progress } = context;
	const isStream = response.headers.get('content-type') === 'text/event-stream';
	if (isStream && response.body) {
		const registration = bus.registrationOf(context);
		await registered(context, response.body, registration);
		return new Response(streamOf(context, response.body, registration), response);
	}
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

/** Waits until changes reach a subscription. Its acknowledgement is in the body. */
async function registered(
	context: RequestContext,
	body: ReadableStream<Uint8Array>,
	registration: Registration | undefined,
): Promise<void> {
	try {
		await registration?.registered;
	} catch (error) {
		context.progress.markHandled();
		context.waitUntil(body.cancel());
		throw context.progress.failure ?? error;
	}
}

/** Returns the frames of the SDK's stream, and notes when the server has handled the message. */
function streamOf(
	context: RequestContext,
	body: ReadableStream<Uint8Array>,
	registration: Registration | undefined,
): ReadableStream<Uint8Array> {
	const { messageId, progress, responseType } = context;
	const reader = body.getReader();
	let isOpen = true;
	return new ReadableStream<Uint8Array>({
		start(controller) {
			if (!registration) return;
			const end = async (): Promise<void> => {
				await registration.ended;
				if (!isOpen) return;
				isOpen = false;
				controller.enqueue(encoder.encode(completion(messageId)));
				controller.close();
				progress.markHandled();
				await reader.cancel();
			};
			context.waitUntil(Promise.race([end(), progress.handled]));
		},
		async pull(controller) {
			try {
				const { done, value } = await reader.read();
				if (!isOpen) return;
				if (!done) {
					if (responseType === 'json') withholdResponse(context, value);
					return controller.enqueue(value);
				}
				isOpen = false;
				progress.markHandled();
				controller.close();
			} catch (error) {
				isOpen = false;
				progress.markHandled();
				controller.error(error);
			}
		},
		async cancel(reason) {
			isOpen = false;
			progress.markHandled();
			await reader.cancel(reason);
		},
	});
}

/** Keeps the response for a client that does not accept the stream. The SDK writes one frame at a time. */
function withholdResponse({ messageId, progress }: RequestContext, frame: Uint8Array): void {
	const [, data] = /^data: (.*)$/m.exec(decoder.decode(frame)) ?? [];
	const message: unknown = data === undefined ? undefined : JSON.parse(data);
	if (isObject(message) && idOf(message) === messageId && !('method' in message)) {
		progress.withhold(message);
	}
}

/** Returns the frame that ends a subscription whose client shall open it again. */
function completion(id: string | number | undefined): string {
	const result = { resultType: 'complete', _meta: { [SUBSCRIPTION_ID_KEY]: id } };
	return `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`;
}
