import type { JSONRPCMessage, MessageExtraInfo, Transport } from '@modelcontextprotocol/server';
import { isClientResponse, methodOf } from '@tmcp-sessions/http/server';
import type { JsonObject } from '@tmcp-sessions/http/server';

import { trackHandler } from '../server/running-handler.ts';
import { protocolServer } from '../server/sdk-server.ts';
import type { SdkServer } from '../server/sdk-server.ts';

/** What an exchange does with the messages of its server. */
export interface ExchangeOptions {
	readonly sessionId: string | undefined;
	/** Called for all messages except the response to `request`. */
	readonly onMessage: (message: JsonObject, exchange: SdkExchange) => void;
	/** Called for errors outside of a request, unless the server has an `onerror`. */
	readonly report: (error: unknown) => void;
}

/** Where the abortion of a request is found. */
export type Cancellation = Pick<
	AbortSignal,
	'aborted' | 'addEventListener' | 'removeEventListener'
>;

/**
 * The transport of a server that was created for a single message. Everything that the server sends
 * belongs to that message, so that request ids of different clients cannot collide.
 */
export class SdkExchange implements Transport {
	readonly sessionId?: string;
	onclose: Transport['onclose'];
	onerror: Transport['onerror'];
	onmessage: Transport['onmessage'];
	readonly server: SdkServer;
	readonly #options: ExchangeOptions;
	#onResponse: ((response: JsonObject) => void) | undefined;
	#delivering: JsonObject | undefined;

	private constructor(server: SdkServer, options: ExchangeOptions) {
		this.server = server;
		this.#options = options;
		if (options.sessionId !== undefined) this.sessionId = options.sessionId;
	}

	/** Connects a server. */
	static async connect(server: SdkServer, options: ExchangeOptions): Promise<SdkExchange> {
		const exchange: SdkExchange = new SdkExchange(server, options);
		const protocol = protocolServer(server);
		const { onerror = options.report } = protocol;
		// oxlint-disable-next-line unicorn/prefer-add-event-listener -- Safe because the SDK has no addEventListener.
		protocol.onerror = (error) => {
			onerror.call(protocol, error);
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
		else this.#options.onMessage(sent, this);
	}

	async close(): Promise<void> {
		this.onclose?.();
	}

	/**
	 * Delivers a request and returns the response. Returns null for a request that was cancelled, after the
	 * server has handled it. One at a time.
	 */
	async request(
		message: JsonObject,
		extra?: MessageExtraInfo,
		signal?: Cancellation,
	): Promise<JsonObject | null> {
		if (signal?.aborted) return null;
		const { promise, resolve } = Promise.withResolvers<JsonObject | null>();
		this.#onResponse = resolve;
		const handled = signal && trackHandler(this.server, methodOf(message) ?? '');
		const cancel = (): void => {
			const params = { requestId: message.id, reason: 'The client cancelled the request' };
			this.deliver({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
			handled?.().then(() => resolve(null), resolve);
		};
		signal?.addEventListener('abort', cancel, { once: true });
		this.#delivering = message;
		this.deliver(message, extra);
		this.#delivering = undefined;
		try {
			return await promise;
		} finally {
			signal?.removeEventListener('abort', cancel);
			this.#onResponse = undefined;
		}
	}

	/** Delivers a message that expects no response. */
	deliver(message: object, extra?: MessageExtraInfo): void {
		// Safe because the SDK's handler validates each message.
		this.onmessage?.(message as JSONRPCMessage, extra);
	}

	/** Responds to a request that the SDK considers invalid: the SDK reports it without a response. */
	#rejectInvalid(): void {
		if (!this.#delivering) return;
		const error = { code: -32_600, message: 'The message is not one of the protocol' };
		this.#onResponse?.({ jsonrpc: '2.0', id: this.#delivering.id ?? null, error });
	}
}
