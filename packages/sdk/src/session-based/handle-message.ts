import type { AuthInfo, MessageExtraInfo } from '@modelcontextprotocol/server';
import type { SessionInfo } from '@tmcp-sessions/core/backend';
import {
	authorizedMessage,
	canFlush,
	currentContext,
	idOf,
	invalidRequest,
	isObject,
	methodOf,
	supportOf,
	withSupport,
} from '@tmcp-sessions/http/server';
import type {
	AuthorizeSubscription,
	InFlightCalls,
	JsonObject,
	RequestContext,
} from '@tmcp-sessions/http/server';
import type { InfoSessionManager } from '@tmcp/session-manager';

import type { Broadcast } from '../changes/broadcast.ts';
import { changeIn } from '../changes/notifications.ts';
import type { CreateServer } from '../server/create-server.ts';
import { SdkExchange } from './sdk-exchange.ts';
import type { Cancellation } from './sdk-exchange.ts';
import type { ServerRequests } from './server-requests.ts';
import { answered, storeResult } from './session-state.ts';

/** What a server gets besides a session-based message. */
export interface ReceiveContext {
	readonly auth?: AuthInfo | undefined;
	/** Aborted when the client cancels the message. */
	readonly signal?: Cancellation | undefined;
	readonly sessionId?: string | undefined;
	readonly sessionInfo?: { readonly [Key in keyof SessionInfo]?: unknown } | undefined;
}

/** What the handling of messages depends on. */
export interface HandlingDeps {
	readonly createServer: CreateServer;
	/** Undefined if the deployment has no sessions. */
	readonly info: InfoSessionManager | undefined;
	readonly calls: () => InFlightCalls;
	readonly serverRequests: ServerRequests;
	readonly broadcast: Broadcast;
	/** Whether streams can be resumed, which is what 2025-11-25 adds. */
	readonly canResume: boolean;
	readonly authorizeSubscription: AuthorizeSubscription | undefined;
	/** Writes a frame to the stream of a call. */
	readonly write: (context: RequestContext, frame: object) => void;
	readonly report: (error: unknown) => void;
}

/** Handles the session-based messages of one handler. */
export interface MessageHandling {
	/** Hands a message to a new server and returns the response; null if there is none. */
	handle(message: JsonObject, receiveContext: ReceiveContext): Promise<JsonObject | null>;
	/** Returns the exchange of the call that runs. */
	exchangeOf(context: RequestContext): SdkExchange | undefined;
}

/** The latest session-based revision, which the SDK gets as the client's version. */
const PROTOCOL_VERSION = '2025-11-25';
const UNKNOWN_CLIENT = { name: 'unknown', version: '0' };
const LOG_LEVELS: readonly unknown[] = [
	'debug',
	'info',
	'notice',
	'warning',
	'error',
	'critical',
	'alert',
	'emergency',
];

/**
 * Creates what hands session-based messages to servers. A server is created for each message, as in the
 * SDK's own handler, and gets the `initialize` of its session first.
 */
export function createHandling(deps: HandlingDeps): MessageHandling {
	const { authorizeSubscription: authorize, createServer, info, serverRequests } = deps;
	const exchanges = new WeakMap<RequestContext, SdkExchange>();
	const support = supportOf(info, { canResume: deps.canResume, acceptsBatches: true });
	const flushable = info && canFlush(info) ? info : undefined;

	/** Handles a notification or a server request. */
	const send = (
		context: RequestContext,
		message: JsonObject,
		exchange: SdkExchange,
		logLevel: unknown,
	): void => {
		const change = changeIn(message);
		if (change) {
			// Reported by the broadcast.
			deps.broadcast(change).catch(() => {});
			return;
		}
		const { progress } = context;
		const id = idOf(message);
		if (id !== undefined) {
			const request = serverRequests.add(exchange, message, id);
			if (progress.onFrame) return progress.onFrame(request);
			return deps.calls().sendRequest(context, request, (sent) => sendFrame(context, sent));
		}
		const method = methodOf(message);
		// Cancels a server request by the exchange's own id, which the client does not know.
		if (method === 'notifications/cancelled') return;
		if (method === 'notifications/message' && !isLogged(message, logLevel)) return;
		if (progress.onFrame) return progress.onFrame(message);
		sendFrame(context, message);
	};
	const sendFrame = (context: RequestContext, frame: object): void => {
		const { progress } = context;
		progress.markFrameSent();
		const write = (): void => deps.write(context, frame);
		if (progress.direct) progress.direct.send(write);
		else write();
	};

	const receive = async (
		context: RequestContext,
		message: JsonObject,
		receiveContext: ReceiveContext,
	): Promise<JsonObject | null> => {
		const { auth, sessionId, sessionInfo, signal } = receiveContext;
		const { request } = context.origin;
		const server = await createServer({
			era: 'legacy',
			...(auth && { authInfo: auth }),
			...(request && { requestInfo: request }),
		});
		const exchange = await SdkExchange.connect(server, {
			sessionId,
			onMessage: (sent, from) => send(context, sent, from, sessionInfo?.logLevel),
			report: (error) => context.report(error),
		});
		exchanges.set(context, exchange);
		const { clientCapabilities: capabilities, clientInfo } = sessionInfo ?? {};
		if (methodOf(message) !== 'initialize' && (capabilities ?? clientInfo)) {
			await exchange.request(initializeRequest(capabilities, clientInfo));
		}
		const extra: MessageExtraInfo = {
			...(request && { request }),
			...(auth && { authInfo: auth }),
		};
		if (idOf(message) === undefined) {
			exchange.deliver(message, extra);
			return null;
		}
		try {
			const response = await exchange.request(message, extra, signal);
			return response && answered(message, response, server);
		} finally {
			serverRequests.delete(exchange);
			// As the SDK's own handler does, so that the server's `onclose` is called.
			server.close().catch(deps.report);
		}
	};

	return {
		exchangeOf: (context) => exchanges.get(context),
		async handle(message, receiveContext) {
			const context = currentContext();
			if (!context) throw new Error('expected the current request; got none');
			const { progress } = context;
			try {
				progress.markBegun();
				if (progress.failure) throw progress.failure;
				// Client responses are delivered by `calls`.
				if (methodOf(message) === undefined) throw invalidRequest('The message has no method');
				let authorized = message;
				const authorizing = authorize && authorizedMessage(authorize, message);
				if (authorizing) {
					const decision = await authorizing;
					// Safe because a rejection is a JSON-RPC error.
					if ('rejection' in decision) return decision.rejection as JsonObject;
					authorized = decision.message;
				}
				const response = await receive(context, authorized, receiveContext);
				if (progress.failure) throw progress.failure;
				const { sessionId } = receiveContext;
				if (!response) return null;
				if (info && sessionId) storeResult(info, sessionId, message, response);
				if (sessionId && flushable) await flushable.flush(sessionId);
				// Safe because a JSON-RPC response stays one.
				return withSupport(message, response, support) as JsonObject;
			} catch (error) {
				// The stream of a request ends with the error. Other messages have been answered already.
				if (idOf(message) === undefined) context.report(error);
				throw error;
			}
		},
	};
}

/** Repeats the client's `initialize` for a server that was created after the session was opened. */
function initializeRequest(capabilities: unknown, clientInfo: unknown): JsonObject {
	const params = {
		protocolVersion: PROTOCOL_VERSION,
		capabilities: isObject(capabilities) ? capabilities : {},
		clientInfo: isObject(clientInfo) ? clientInfo : UNKNOWN_CLIENT,
	};
	return { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params };
}

/** Whether a log message has at least the level that the client has set. Default: `info`. */
function isLogged({ params }: JsonObject, minimum: unknown = 'info'): boolean {
	const { level } = isObject(params) ? params : {};
	return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(minimum);
}
