import type { InfoSessionManager } from '@tmcp/session-manager';
import type { McpServer } from 'tmcp';

import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import type { AuthorizeSubscription } from '../options.ts';
import type { DefaultCodec } from '../request-state/default-sealing.ts';
import { hasEndedSession, invalidRequest } from '../request/http-rejection.ts';
import { idOf, isObject, isSchemaError, methodOf } from '../request/json-rpc.ts';
import type { JsonObject, ServerRequest } from '../request/json-rpc.ts';
import { currentContext } from '../request/request-context.ts';
import { authorizedMessage } from '../backend/authorized-subscriptions.ts';
import { reportFailedMessages } from './failed-messages.ts';
import { canFlush } from '../backend/flush.ts';
import { supportOf, withSupport } from '../backend/initialize-result.ts';
import { keepAlive } from '../backend/keep-alive.ts';
import { runAsOneBroadcast } from '../backend/one-broadcast.ts';
import { provideRoots, withRootsRequests, withRootsResponses } from './request-roots.ts';
import { keepRootsPerSession } from './session-roots.ts';
import { withSpecifiedError } from './specified-errors.ts';
import { withTmcpRevision } from './tmcp-revision.ts';
import { hasInput, openedInput, requiresInput, sealedInput } from '../backend/stateless-inputs.ts';
import type { StateSealing } from '../backend/stateless-inputs.ts';
import { isWithheld } from '../backend/withheld-response.ts';
import { invalidRequestError } from '../validation/invalid-params.ts';
import { withOverrides } from '../backend/with-overrides.ts';

type Receive = McpServer['receive'];
type Message = Parameters<Receive>[0];
type Handle = (...parameters: Parameters<Receive>) => Promise<unknown>;
type Listener = (detail: unknown) => unknown;
type On = (event: string, listener: Listener, options?: AddEventListenerOptions) => () => void;

/** What a tracked server depends on. */
export interface TrackingDeps {
	/** Undefined if the deployment has no sessions. */
	readonly info: InfoSessionManager | undefined;
	readonly report: (error: unknown) => void;
	/** Whether streams can be resumed, which is what 2025-11-25 adds. */
	readonly canResume: boolean;
	/** Whether a client may send several messages at once. */
	readonly acceptsBatches: boolean;
	/** Decides who may subscribe to a resource. Default: everyone. */
	readonly authorizeSubscription?: AuthorizeSubscription | undefined;
	/** The calls of the transport, which send their clients requests. */
	readonly calls: Pick<InFlightCalls, 'sendRequest'>;
	/** Seals the request states of a server without a codec. Default: they are not sealed. */
	readonly defaultCodec?: DefaultCodec | undefined;
}

/** The members of a server that its tracking uses. */
type TrackableServer = Pick<McpServer, 'hasMethod' | 'on' | 'receive' | 'validateToolCall'>;

/** A server whose promises are bound to the requests that they belong to. */
export interface TrackedServer<Server> {
	/** The server for the transport. */
	readonly server: Server;
	/** Hands the server a message without the transport, and returns its response. */
	readonly handle: Handle;
}

/**
 * Binds what the transport starts and does not await to the request. On workerd it would be dropped
 * after the answer.
 *
 * - `receive` and `handle` hold a response back until the session's store has confirmed its writes, so
 *   that the client's next request finds them in any isolate.
 * - `on` keeps the promises of the transport's listeners alive, such as a broadcast that looks up the
 *   subscribers first. A server request is sent under its own id.
 *
 * Also corrects what tmcp answers differently from the specification, and keeps what it would share
 * between sessions apart.
 */
export function createTrackedServer<Server extends TrackableServer>(
	server: Server,
	deps: TrackingDeps,
): TrackedServer<Server> {
	reportFailedMessages();
	keepRootsPerSession(server);
	provideRoots(deps.calls, server);
	const handle = createHandle(server, deps);
	const receive: Handle = async (message, receiveContext) => {
		const context = currentContext();
		try {
			const direct = context?.progress.direct;
			const response = await (direct
				? direct.takeOver(receiveContext?.signal)
				: handle(message, receiveContext));
			context?.progress.markAnswered(response);
			return context && isWithheld(response, context) ? null : response;
		} finally {
			context?.progress.markHandled();
		}
	};
	const on = trackedListeners(server, deps);
	// Safe because these are the same methods without their overloads and type parameters.
	const members = { receive, on } as Partial<Server>;
	return { server: withOverrides(server, members), handle };
}

/** Creates what hands the server a message, and corrects its response. */
function createHandle(server: TrackableServer, deps: TrackingDeps): Handle {
	const { info, acceptsBatches, canResume, defaultCodec = () => undefined } = deps;
	const { authorizeSubscription: authorize } = deps;
	const support = supportOf(info, { canResume, acceptsBatches });
	const flushable = info && canFlush(info) ? info : undefined;
	// `sdkServer` adapts servers of another library, which have no such field.
	const isTmcp = 'roots' in server;
	const sealing: StateSealing = { defaultCodec, states: isTmcp ? 'json-objects' : 'every' };
	return async (message, receiveContext) => {
		const context = currentContext();
		const progress = context?.progress;
		const isStateless = context?.isStateless === true;
		const isRequest = 'method' in message && 'id' in message;
		try {
			progress?.markBegun();
			if (progress?.failure) throw progress.failure;
			// Client responses are delivered by `calls`: a client must not reach tmcp's own ids.
			if (methodOf(message) === undefined) throw invalidRequest('The message has no method');
			const invalid = invalidRequestError(message, server);
			if (invalid !== undefined) return invalid;
			let authorized = message;
			const authorizing = authorize && authorizedMessage(authorize, message);
			if (authorizing) {
				const decision = await authorizing;
				if ('rejection' in decision) return decision.rejection;
				authorized = decision.message;
			}
			// Safe because the server checks each message.
			const receive = (received: object): unknown =>
				server.receive(received as Message, receiveContext);
			const response: unknown = await (isStateless && hasInput(message)
				? receiveInput(message, sealing, isTmcp, receive)
				: receive(withTmcpRevision(authorized)));
			// A request-state codec hides from the client that its store is down.
			if (progress?.failure) throw progress.failure;
			const session = receiveContext?.sessionId;
			if (session && flushable) await flushable.flush(session);
			if (isStateless && requiresInput(response)) {
				return await sealedInput(isTmcp ? withRootsRequests(response) : response, sealing);
			}
			const specified = withSpecifiedError(message, response, isStateless, server, receive);
			if (specified instanceof Promise) return (await specified) as unknown;
			return withSupport(message, specified, support);
		} catch (error) {
			// For the client only: not reported.
			if (isSchemaError(error)) throw invalidRequest('The message does not match the protocol');
			// The stream of a request ends with the error. Other messages have been answered already.
			if (!isRequest && !hasEndedSession(error)) deps.report(error);
			throw error;
		}
	};
}

/** Hands the server a request that continues one which required input. */
async function receiveInput(
	message: Message,
	sealing: StateSealing,
	isTmcp: boolean,
	receive: (message: object) => unknown,
): Promise<unknown> {
	const opened = await openedInput(message, sealing);
	if ('rejection' in opened) return opened.rejection;
	return receive(isTmcp ? withRootsResponses(opened.message) : opened.message);
}

/** Creates the server's `on`, whose listeners' promises keep the request alive. */
function trackedListeners(
	server: Pick<McpServer, 'on'>,
	{ info, report, calls }: Pick<TrackingDeps, 'calls' | 'info' | 'report'>,
): On {
	const notify = (listener: Listener, detail: unknown, isBroadcast = false): void => {
		const call = (): unknown => listener(detail);
		const result = isBroadcast
			? runAsOneBroadcast(call, isUpdate(detail) ? currentContext() : undefined)
			: call();
		if (result instanceof Promise) keepAlive(result, report);
	};
	const sendFrame = (listener: Listener, detail: unknown): void => {
		const progress = currentContext()?.progress;
		progress?.markFrameSent();
		const send = (): void => notify(listener, detail);
		if (progress?.direct) progress.direct.send(send);
		else send();
	};
	// Safe because this is the same method without its overloads.
	const serverOn = server.on.bind(server) as On;
	return (event, listener, options) =>
		serverOn(
			event,
			(detail) => {
				const context = currentContext();
				const isOpening = event === 'initialize' && context?.progress.direct !== undefined;
				if (event !== 'send' && !isOpening) return notify(listener, detail, event === 'broadcast');
				// Every transport of the server gets the event.
				if (context && context.progress.owner !== calls) return;
				if (isOpening) return info && storeClient(info, context.sessionId, detail);
				const onFrame = context?.progress.onFrame;
				// A change that a call in the background publishes is for the clients that subscribe.
				if (onFrame && !isOfSubscription(detail)) return onFrame(frameIn(detail));
				const request = serverRequestIn(detail);
				if (!request) return sendFrame(listener, detail);
				calls.sendRequest(context, request, (sent) => sendFrame(listener, { request: sent }));
			},
			options,
		);
}

function isOfSubscription(detail: unknown): boolean {
	return isObject(detail) && detail['subscriptionId'] !== undefined;
}

/** Stores what the transport stores of a client that opens a session. */
function storeClient(info: InfoSessionManager, session: string, detail: unknown): void {
	// Safe because the server has checked the message.
	const { capabilities, clientInfo } = detail as Record<'capabilities' | 'clientInfo', never>;
	info.setClientCapabilities(session, capabilities);
	info.setClientInfo(session, clientInfo);
}

/** Whether a broadcast is the update of a resource, whose subscribers are looked up first. */
function isUpdate(detail: unknown): boolean {
	return methodOf(frameIn(detail)) === 'notifications/resources/updated';
}

/** Returns the message of an event. */
function frameIn(detail: unknown): JsonObject {
	return isObject(detail) && isObject(detail.request) ? detail.request : {};
}

/** Returns the server request of an event. Notifications have no id. */
function serverRequestIn(detail: unknown): ServerRequest | undefined {
	const request = frameIn(detail);
	const id = idOf(request);
	return id !== undefined ? { ...request, id } : undefined;
}
