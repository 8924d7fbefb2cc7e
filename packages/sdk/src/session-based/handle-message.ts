import type { AuthInfo, MessageExtraInfo } from '@modelcontextprotocol/server';
import type { SessionInfo } from '@tmcp-sessions/core/backend';
import {
	authorizedMessage,
	canFlush,
	currentContext,
	idOf,
	invalidRequest,
	invalidRequestError,
	methodOf,
	supportOf,
	withSupport,
} from '@tmcp-sessions/http/server';
import type {
	AuthorizeSubscription,
	Flushable,
	InFlightCalls,
	JsonObject,
	RequestContext,
} from '@tmcp-sessions/http/server';
import type { InfoSessionManager } from '@tmcp/session-manager';

import type { Broadcast } from '../changes/broadcast.ts';
import { changeIn } from '../changes/notifications.ts';
import type { CreateServer } from '../server/create-server.ts';
import { hasMethod } from '../server/sdk-server.ts';
import { SdkExchange } from './sdk-exchange.ts';
import type { Cancellation } from './sdk-exchange.ts';
import type { ServerRequests } from './server-requests.ts';
import { answered, initializeRequest, isForClient, storeResult } from './session-state.ts';

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
	readonly calls: InFlightCalls;
	readonly serverRequests: ServerRequests;
	readonly broadcast: Broadcast;
	/** Whether streams can be resumed, which is what 2025-11-25 adds. */
	readonly canResume: boolean;
	readonly authorizeSubscription: AuthorizeSubscription | undefined;
	/** Writes a frame to the stream of a call. */
	readonly write: (context: RequestContext, frame: object) => void;
	readonly report: (error: unknown) => void;
}

/**
 * Handles the session-based messages of one handler. A server is created for each message, as in the
 * SDK's own handler, and gets the `initialize` of its session first.
 */
export class MessageHandling {
	readonly #deps: HandlingDeps;
	readonly #exchanges = new WeakMap<RequestContext, SdkExchange>();
	readonly #support: ReturnType<typeof supportOf>;
	readonly #flushable: Flushable | undefined;

	constructor(deps: HandlingDeps) {
		const { canResume, info } = deps;
		this.#deps = deps;
		this.#support = supportOf(info, { canResume, acceptsBatches: true });
		this.#flushable = info && canFlush(info) ? info : undefined;
	}

	/** Returns the exchange of the call that runs. */
	exchangeOf(context: RequestContext): SdkExchange | undefined {
		return this.#exchanges.get(context);
	}

	/** Hands a message to a new server and returns the response; null if there is none. */
	async handle(message: JsonObject, receiveContext: ReceiveContext): Promise<JsonObject | null> {
		const context = currentContext();
		if (!context) throw new Error('expected the current request; got none');
		const { authorizeSubscription: authorize, info } = this.#deps;
		try {
			context.progress.markBegun();
			checkFailure(context);
			// Client responses are delivered by `calls`.
			if (methodOf(message) === undefined) throw invalidRequest('The message has no method');
			let authorized = message;
			const authorizing = authorize && authorizedMessage(authorize, message);
			if (authorizing) {
				const decision = await authorizing;
				if ('rejection' in decision) return decision.rejection;
				authorized = decision.message;
			}
			const response = await this.#receive(context, authorized, receiveContext);
			checkFailure(context);
			if (!response) return null;
			const { sessionId } = receiveContext;
			if (info && sessionId) storeResult(info, sessionId, message, response);
			if (sessionId && this.#flushable) await this.#flushable.flush(sessionId);
			// Safe because a JSON-RPC response stays one.
			return withSupport(message, response, this.#support) as JsonObject;
		} catch (error) {
			// The stream of a request ends with the error. Other messages have been answered already.
			if (idOf(message) === undefined) context.report(error);
			throw error;
		}
	}

	async #receive(
		context: RequestContext,
		message: JsonObject,
		{ auth, sessionId, sessionInfo, signal }: ReceiveContext,
	): Promise<JsonObject | null> {
		const { createServer, report, serverRequests } = this.#deps;
		const { request } = context.origin;
		const authInfo = auth && { authInfo: auth };
		const server = await createServer({
			era: 'legacy',
			...authInfo,
			...(request && { requestInfo: request }),
		});
		const invalid = invalidRequestError(message, { hasMethod: (name) => hasMethod(server, name) });
		if (invalid !== undefined) return invalid;
		const exchange = await SdkExchange.connect(server, {
			sessionId,
			onMessage: (sent, from) => this.#onMessage(context, sent, from, sessionInfo?.logLevel),
			report: (error) => context.report(error),
		});
		this.#exchanges.set(context, exchange);
		const { clientCapabilities: capabilities, clientInfo } = sessionInfo ?? {};
		if (methodOf(message) !== 'initialize' && (capabilities ?? clientInfo)) {
			await exchange.request(initializeRequest(capabilities, clientInfo));
		}
		const extra: MessageExtraInfo = { ...authInfo, ...(request && { request }) };
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
			server.close().catch(report);
		}
	}

	/** Handles a notification or a server request. */
	#onMessage(
		context: RequestContext,
		message: JsonObject,
		exchange: SdkExchange,
		logLevel: unknown,
	): void {
		const { broadcast, calls, serverRequests } = this.#deps;
		const change = changeIn(message);
		if (change) {
			// Reported by the broadcast.
			broadcast(change).catch(() => {});
			return;
		}
		const { progress } = context;
		const id = idOf(message);
		if (id !== undefined) {
			const request = serverRequests.add(exchange, message, id);
			if (progress.onFrame) return progress.onFrame(request);
			return calls.sendRequest(context, request, (sent) => this.#sendFrame(context, sent));
		}
		if (!isForClient(message, logLevel)) return;
		if (progress.onFrame) return progress.onFrame(message);
		this.#sendFrame(context, message);
	}

	#sendFrame(context: RequestContext, frame: object): void {
		const { progress } = context;
		progress.markFrameSent();
		const write = (): void => this.#deps.write(context, frame);
		if (progress.direct) progress.direct.send(write);
		else write();
	}
}

/** @throws what the client's request has failed with meanwhile. */
function checkFailure({ progress }: RequestContext): void {
	if (progress.failure) throw progress.failure;
}
