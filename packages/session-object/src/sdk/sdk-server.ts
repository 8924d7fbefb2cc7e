import { TmcpSessionsError } from '@tmcp-sessions/core';
import { createReporter } from '@tmcp-sessions/core/backend';
import {
	currentContext,
	idOf,
	isObject,
	methodOf,
	sessionBasedOnly,
} from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';

import type { SessionServer } from '../object/session.ts';
import { PACKAGE } from '../package-name.ts';
import { SdkExchange } from './sdk-exchange.ts';
import type { SdkServer } from './sdk-types.ts';

type Context = Parameters<SessionServer['receive']>[1];
type Listener = (detail: object) => unknown;

/** The latest session-based revision, which the SDK gets as the client's version. */
const PROTOCOL_VERSION = '2025-11-25';
const METHOD_NOT_FOUND = -32_601;
const LOG_LEVELS = [
	'debug',
	'info',
	'notice',
	'warning',
	'error',
	'critical',
	'alert',
	'emergency',
] as const;
/** Notifications for all sessions of the object. */
const BROADCASTS: ReadonlySet<string | undefined> = new Set([
	'notifications/tools/list_changed',
	'notifications/prompts/list_changed',
	'notifications/resources/list_changed',
	'notifications/resources/updated',
]);

/**
 * Adapts a server of the official SDK (`McpServer` of `@modelcontextprotocol/server` 2.x) for
 * `createServer` of a `SessionObject`: `return sdkServer(() => createNotesServer(session))`.
 *
 * A server is created for each message, as in the SDK's own HTTP handler. State that must last belongs
 * in `session`, over which the tools close.
 *
 * @param create creates a server with all its tools. It is called for each message.
 */
export function sdkServer(create: () => SdkServer): SessionServer {
	// Safe because it implements all members that the handlers, transports and this package use.
	return new SdkSessionServer(create) as unknown as SessionServer;
}

/**
 * Checks that a server is one of the SDK 2.x, which JavaScript and casts do not.
 *
 * @throws {TmcpSessionsError} `configuration` for any other value.
 */
function checkSdkServer(server: SdkServer): SdkServer {
	const has = (name: string): boolean => typeof Reflect.get(Object(server), name) === 'function';
	// 2.x has `registerTool` only.
	if (has('connect') && has('registerTool') && !has('tool')) return server;
	const found = has('receive')
		? 'one of tmcp: return it from createServer as it is'
		: has('connect') && has('tool')
			? 'one of @modelcontextprotocol/sdk 1.x: npm i @modelcontextprotocol/server, and import McpServer from it'
			: has('then')
				? 'a promise: create the server synchronously'
				: typeof server;
	throw new TmcpSessionsError(
		'configuration',
		PACKAGE,
		`sdkServer needs a McpServer of @modelcontextprotocol/server 2.x; got ${found}`,
	);
}

/** Implements the used members of a tmcp server with servers of the SDK. */
class SdkSessionServer implements Record<
	'changed' | 'hasMethod' | 'on' | 'receive' | 'validateToolCall',
	unknown
> {
	readonly #create: () => SdkServer;
	readonly #report: (error: unknown) => void = createReporter(undefined);
	readonly #listeners = new Map<string, Set<Listener>>();
	/** Server requests by the id that they have here, which is unique among all exchanges. */
	readonly #serverRequests = new Map<number, { exchange: SdkExchange; id: number | string }>();
	#lastRequestId = 0;

	constructor(create: () => SdkServer) {
		this.#create = create;
	}

	on(event: string, listener: Listener): () => void {
		const listeners = this.#listeners.get(event) ?? new Set();
		this.#listeners.set(event, listeners.add(listener));
		return () => void listeners.delete(listener);
	}

	/** @throws {HttpRejection} 400 with code -32022 for stateless requests. */
	async receive(message: JsonObject, context?: Context): Promise<object | null> {
		if (methodOf(message) === undefined) return this.#deliverClientResponse(message);
		const request = currentContext();
		if (request?.isStateless) throw sessionBasedOnly(request.headers);
		const server = checkSdkServer(this.#create());
		const onMessageFromServer = (sent: JsonObject, exchange: SdkExchange): void =>
			this.#onMessageFromServer(sent, exchange, context);
		const exchange = await SdkExchange.connect(
			server,
			context?.sessionId,
			onMessageFromServer,
			this.#report,
		);
		const { auth, sessionInfo, signal } = context ?? {};
		const { clientCapabilities: capabilities, clientInfo } = sessionInfo ?? {};
		if (methodOf(message) !== 'initialize' && (capabilities ?? clientInfo)) {
			const initialize = initializeRequest(capabilities ?? {}, clientInfo ?? UNKNOWN_CLIENT);
			await exchange.request(initialize, { auth: undefined, signal: undefined });
		}
		if (idOf(message) === undefined) {
			exchange.deliver(message, auth);
			return null;
		}
		const response = await exchange.request(message, { auth, signal });
		this.#dropServerRequests(exchange);
		return response && this.#storeResult(message, response, server);
	}

	hasMethod(method: string): boolean {
		try {
			this.#create().server.assertCanSetRequestHandler(method);
			return false;
		} catch {
			return true;
		}
	}

	/** Does nothing: only stateless requests need it, and they are rejected. */
	async validateToolCall(): Promise<void> {}

	/** Notifies all sessions of a change, as tmcp's servers do. */
	changed(what: 'prompts' | 'resource' | 'resources' | 'tools', uri?: string): void {
		const capabilities = this.#create().server.getCapabilities();
		if (what === 'resource') {
			this.#emit('broadcast', {
				request: notification('notifications/resources/updated', { uri }),
			});
		} else if (capabilities[what]?.listChanged) {
			this.#emit('broadcast', { request: notification(`notifications/${what}/list_changed`, {}) });
		}
	}

	#emit(event: string, detail: object): void {
		for (const listener of this.#listeners.get(event) ?? []) listener(detail);
	}

	/** Handles a notification or a server request. */
	#onMessageFromServer(message: JsonObject, exchange: SdkExchange, context: Context): void {
		const ownId = idOf(message);
		if (ownId !== undefined) {
			const id = (this.#lastRequestId += 1);
			this.#serverRequests.set(id, { exchange, id: ownId });
			return this.#emit('send', { request: { ...message, id } });
		}
		const method = methodOf(message);
		// Cancels a server request by the exchange's own id, which the client does not know.
		if (method === 'notifications/cancelled') return;
		if (BROADCASTS.has(method)) return this.#emit('broadcast', { request: message });
		if (method === 'notifications/message' && !isLogged(message, context)) return;
		this.#emit('send', { request: message });
	}

	/** Delivers a client response to the exchange that sent the server request. */
	#deliverClientResponse(message: JsonObject): null {
		const request = this.#serverRequests.get(Number(message.id));
		this.#serverRequests.delete(Number(message.id));
		request?.exchange.deliver({ ...message, id: request.id });
		return null;
	}

	/** Drops the server requests of an exchange that has ended. */
	#dropServerRequests(exchange: SdkExchange): void {
		for (const [id, request] of this.#serverRequests) {
			if (request.exchange === exchange) this.#serverRequests.delete(id);
		}
	}

	/** Emits the events by which the managers store session metadata, which an SDK server holds in memory. */
	#storeResult(request: JsonObject, response: JsonObject, { server }: SdkServer): JsonObject {
		const params = isObject(request.params) ? request.params : {};
		const method = methodOf(request);
		const isSubscription = method === 'resources/subscribe' || method === 'resources/unsubscribe';
		const canSubscribe = isSubscription && server.getCapabilities().resources?.subscribe === true;
		const isUnhandled = isObject(response.error) && response.error.code === METHOD_NOT_FOUND;
		// The SDK has no handler for subscriptions: its users implement them.
		const answer =
			canSubscribe && isUnhandled ? { jsonrpc: '2.0', id: request.id, result: {} } : response;
		if (answer.error !== undefined) return answer;
		if (method === 'initialize') this.#emit('initialize', params);
		if (method === 'logging/setLevel') this.#emit('loglevelchange', params);
		if (isSubscription) {
			const action = method === 'resources/subscribe' ? 'add' : 'remove';
			this.#emit('subscription', { uri: params['uri'], action });
		}
		return answer;
	}
}

const UNKNOWN_CLIENT = { name: 'unknown', version: '0' };

/** Repeats the client's `initialize` for a server that was created after the session was opened. */
function initializeRequest(capabilities: object, clientInfo: object): JsonObject {
	const params = { protocolVersion: PROTOCOL_VERSION, capabilities, clientInfo };
	return { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params };
}

function notification(method: string, params: object): JsonObject {
	return { jsonrpc: '2.0', method, params };
}

/** Whether a log message has at least the level that the client has set. */
function isLogged({ params }: JsonObject, context: Context): boolean {
	const { level } = isObject(params) ? params : {};
	const minimum = context?.sessionInfo?.logLevel ?? 'info';
	return LOG_LEVELS.findIndex((each) => each === level) >= LOG_LEVELS.indexOf(minimum);
}
