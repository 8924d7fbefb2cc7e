import { isClientResponse } from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';
import type { AuthInfo } from 'tmcp';

import type { SdkServer, SdkTransport } from './sdk-types.ts';

type Deliver = (message: object, extra?: { authInfo?: AuthInfo }) => void;

/** The options of a request. */
export interface RequestOptions {
	readonly auth: AuthInfo | undefined;
	/** Aborted when the client cancels the request. */
	readonly signal: AbortSignal | undefined;
}

/**
 * The transport of a server that was created for a single message. Everything that the server sends
 * belongs to that message, so that request ids of different clients cannot collide.
 */
export class SdkExchange implements SdkTransport {
	sessionId: string | undefined;
	onclose: SdkTransport['onclose'];
	onerror: SdkTransport['onerror'];
	onmessage: SdkTransport['onmessage'];
	readonly #onMessageFromServer: (message: JsonObject) => void;
	#onResponse: ((response: JsonObject) => void) | undefined;
	#isDelivering = false;

	private constructor(
		sessionId: string | undefined,
		onMessageFromServer: (message: JsonObject) => void,
	) {
		this.sessionId = sessionId;
		this.#onMessageFromServer = onMessageFromServer;
	}

	/**
	 * Connects a server.
	 *
	 * @param onMessageFromServer called for all messages except responses to `request`.
	 * @param report called for errors outside a request unless the server has an `onerror`.
	 */
	static async connect(
		server: SdkServer,
		sessionId: string | undefined,
		onMessageFromServer: (message: JsonObject, exchange: SdkExchange) => void,
		report: (error: unknown) => void,
	): Promise<SdkExchange> {
		const exchange: SdkExchange = new SdkExchange(sessionId, (message) =>
			onMessageFromServer(message, exchange),
		);
		const { onerror = report } = server.server;
		// oxlint-disable-next-line unicorn/prefer-add-event-listener -- Safe because the SDK has no addEventListener.
		server.server.onerror = (error) => {
			onerror.call(server.server, error);
			exchange.#rejectInvalid();
		};
		await server.connect(exchange);
		return exchange;
	}

	async start(): Promise<void> {}

	async send(message: object): Promise<void> {
		// Safe because the SDK sends only JSON-RPC messages.
		const sent = message as JsonObject;
		if (isClientResponse(sent)) this.#onResponse?.(sent);
		else this.#onMessageFromServer(sent);
	}

	async close(): Promise<void> {
		this.onclose?.();
	}

	/** Delivers a request and returns the response, or null if it was cancelled. One at a time. */
	async request(message: JsonObject, { auth, signal }: RequestOptions): Promise<JsonObject | null> {
		if (signal?.aborted) return null;
		const { promise, resolve } = Promise.withResolvers<JsonObject | null>();
		this.#onResponse = resolve;
		const cancel = (): void => {
			const params = { requestId: message.id, reason: 'The client cancelled the request' };
			this.deliver({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
			resolve(null);
		};
		signal?.addEventListener('abort', cancel, { once: true });
		this.#isDelivering = true;
		this.deliver(message, auth);
		this.#isDelivering = false;
		try {
			return await promise;
		} finally {
			signal?.removeEventListener('abort', cancel);
			this.#onResponse = undefined;
		}
	}

	/** Delivers a message that expects no response. */
	deliver(message: object, auth?: AuthInfo): void {
		// Safe because the SDK's handler validates each message.
		const deliver = this.onmessage as Deliver | undefined;
		deliver?.(message, auth && { authInfo: auth });
	}

	/** Responds to a request that the SDK considers invalid: the SDK reports it without a response. */
	#rejectInvalid(): void {
		if (!this.#isDelivering) return;
		const error = { code: -32_600, message: 'The message is not one of the protocol' };
		this.#onResponse?.({ jsonrpc: '2.0', id: null, error });
	}
}
