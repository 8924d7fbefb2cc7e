import type { AuthInfo, McpRequestContext } from '@modelcontextprotocol/server';
import type { createMcpHandler } from '@tmcp-sessions/http';
import { createReporter } from '@tmcp-sessions/core/backend';
import { currentContext, idOf, methodOf, paramsOf } from '@tmcp-sessions/http/server';
import type { ClientResponse, JsonObject, RequestContext } from '@tmcp-sessions/http/server';

import { changeIn, UPDATED } from '../changes/notifications.ts';
import { createServerWith } from '../server/create-server.ts';
import { checkSdkServer, hasMethod, protocolServer } from '../server/sdk-server.ts';
import type { SdkServer } from '../server/sdk-server.ts';
import type { ReceiveContext } from '../session-based/handle-message.ts';
import { SdkExchange } from '../session-based/sdk-exchange.ts';
import { ServerRequests } from '../session-based/server-requests.ts';
import { answered, initializeRequest, isForClient } from '../session-based/session-state.ts';
import { listen } from '../stateless/listen.ts';
import { createStatelessReceiver } from '../stateless/receive-stateless.ts';
import type { ReceiveStateless } from '../stateless/receive-stateless.ts';

/** A server with the interface of tmcp's. */
type TmcpServer = Parameters<typeof createMcpHandler>[0];
type Context = Parameters<TmcpServer['receive']>[1];
type Listener = (detail: object) => unknown;

/** Creates the server of one message. */
export type SdkServerFactory = (context: McpRequestContext) => SdkServer;

const OWNER = 'sdkServer';
/** The methods that the SDK's handler answers, and no server. */
const OF_HANDLER: ReadonlySet<string> = new Set(['server/discover', 'subscriptions/listen']);

/**
 * Adapts servers of the official SDK (`McpServer` of `@modelcontextprotocol/server` 2.x) for
 * `createServer` of a `SessionObject`: `return sdkServer(() => createNotesServer(session))`.
 *
 * State that must last belongs in `session`, over which the tools close.
 *
 * @param factory creates a server with all its tools. It is called for each message, as in
 * `createMcpHandler` of the SDK, and must not return a promise.
 */
export function sdkServer(factory: SdkServerFactory): TmcpServer {
	// Safe because it implements all members that handlers, transports and session objects use.
	return new AdaptedServer(factory) as unknown as TmcpServer;
}

/** Implements the used members of a tmcp server with servers of the SDK. */
class AdaptedServer implements Record<
	'changed' | 'hasMethod' | 'on' | 'receive' | 'validateToolCall',
	unknown
> {
	readonly #create: SdkServerFactory;
	readonly #report: (error: unknown) => void = createReporter(undefined);
	readonly #listeners = new Map<string, Set<Listener>>();
	readonly #serverRequests = new ServerRequests();
	readonly #receiveStateless: ReceiveStateless;

	constructor(factory: SdkServerFactory) {
		const create = createServerWith(factory, OWNER);
		this.#create = (context) => {
			const server = create(context);
			if (!(server instanceof Promise)) return server;
			server.catch(() => {});
			// Always throws.
			return checkSdkServer(server, OWNER);
		};
		this.#receiveStateless = createStatelessReceiver(this.#create, (frame) => this.#send(frame));
	}

	on(event: string, listener: Listener): () => void {
		const listeners = this.#listeners.get(event) ?? new Set();
		this.#listeners.set(event, listeners.add(listener));
		return () => void listeners.delete(listener);
	}

	async receive(message: JsonObject, context?: Context): Promise<object | null> {
		const method = methodOf(message);
		if (method === undefined) {
			// Safe because validation has checked that it is a response.
			this.#serverRequests.receive(message as ClientResponse);
			return null;
		}
		const { signal, subscriptionManager: manager, subscriptionOrigin } = context ?? {};
		// A session object also asks outside of a request which changes its server announces.
		if (method === 'subscriptions/listen' && manager) {
			const origin = String(subscriptionOrigin);
			const send = (sent: JsonObject): void =>
				this.#emit('send', { request: sent, subscriptionId: message.id, subscriptionOrigin });
			const create: typeof manager.create = (...subscription) => manager.create(...subscription);
			return listen(message, { create, origin, send }, (discover) =>
				this.#receiveStateless(discover, {}),
			);
		}
		const request = currentContext();
		// Safe because the caller's auth has the fields that the SDK's has.
		const auth = context?.auth as AuthInfo | undefined;
		if (request?.isStateless) return this.#receiveStateless(message, { auth, request, signal });
		return this.#receiveSessionBased(message, request, { ...context, auth });
	}

	hasMethod(method: string): boolean {
		return OF_HANDLER.has(method) || hasMethod(this.#create({ era: 'legacy' }), method);
	}

	/** Does nothing: the SDK validates the headers of a call. */
	async validateToolCall(): Promise<void> {}

	/** Notifies all sessions of a change, as tmcp's servers do. */
	changed(what: 'prompts' | 'resource' | 'resources' | 'tools', uri?: string): void {
		if (what === 'resource') return this.#broadcast(notification(UPDATED, { uri }));
		const capabilities = protocolServer(this.#create({ era: 'legacy' })).getCapabilities();
		if (!capabilities[what]?.listChanged) return;
		this.#broadcast(notification(`notifications/${what}/list_changed`, {}));
	}

	async #receiveSessionBased(
		message: JsonObject,
		request: RequestContext | undefined,
		{ auth, sessionId, sessionInfo, signal }: ReceiveContext,
	): Promise<object | null> {
		const extra = auth && { authInfo: auth };
		const server = this.#create({ era: 'legacy', ...extra });
		const exchange = await SdkExchange.connect(server, {
			sessionId,
			onMessage: (sent, from) => this.#onMessage(sent, from, sessionInfo?.logLevel),
			report: request ? (error) => request.report(error) : this.#report,
		});
		const { clientCapabilities: capabilities, clientInfo } = sessionInfo ?? {};
		if (methodOf(message) !== 'initialize' && (capabilities ?? clientInfo)) {
			await exchange.request(initializeRequest(capabilities, clientInfo));
		}
		if (idOf(message) === undefined) {
			exchange.deliver(message, extra);
			return null;
		}
		try {
			const response = await exchange.request(message, extra, signal);
			return response && this.#stored(message, answered(message, response, server));
		} finally {
			this.#serverRequests.delete(exchange);
			server.close().catch(this.#report);
		}
	}

	/** Handles a notification or a server request of a session-based message. */
	#onMessage(message: JsonObject, exchange: SdkExchange, logLevel: unknown): void {
		const id = idOf(message);
		if (id !== undefined) {
			return this.#emit('send', { request: this.#serverRequests.add(exchange, message, id) });
		}
		if (isForClient(message, logLevel)) this.#send(message);
	}

	#send(message: JsonObject): void {
		if (changeIn(message)) this.#broadcast(message);
		else this.#emit('send', { request: message });
	}

	#broadcast(request: JsonObject): void {
		this.#emit('broadcast', { request });
	}

	#emit(event: string, detail: object): void {
		for (const listener of this.#listeners.get(event) ?? []) listener(detail);
	}

	/** Emits the events by which managers store session metadata, which a server of the SDK holds in memory. */
	#stored(message: JsonObject, response: JsonObject): JsonObject {
		if (response.error !== undefined) return response;
		const params = paramsOf(message);
		const { uri } = params;
		switch (methodOf(message) ?? '') {
			case 'initialize':
				this.#emit('initialize', params);
				break;
			case 'logging/setLevel':
				this.#emit('loglevelchange', params);
				break;
			case 'resources/subscribe':
				this.#emit('subscription', { uri, action: 'add' });
				break;
			case 'resources/unsubscribe':
				this.#emit('subscription', { uri, action: 'remove' });
				break;
			default:
		}
		return response;
	}
}

function notification(method: string, params: JsonObject): JsonObject {
	return { jsonrpc: '2.0', method, params };
}
