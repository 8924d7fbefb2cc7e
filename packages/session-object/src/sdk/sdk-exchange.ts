import { isClientResponse } from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';
import type { AuthInfo } from 'tmcp';

import type { SdkServer, SdkTransport } from './sdk-types.ts';

type Deliver = (message: object, extra?: { authInfo?: AuthInfo }) => void;

/** What the transport is told with a message. */
export interface Asked {
	readonly auth: AuthInfo | undefined;
	/** Aborted where the client cancels it. */
	readonly signal: AbortSignal | undefined;
}

/**
 * The transport of a server that was made for one message: whatever it says belongs to that one,
 * under whichever ids. Ids of clients meet no other ids, and nothing has to be told apart.
 */
export class SdkExchange implements SdkTransport {
	sessionId: string | undefined;
	onclose: SdkTransport['onclose'];
	onerror: SdkTransport['onerror'];
	onmessage: SdkTransport['onmessage'];
	readonly #say: (message: JsonObject) => void;
	#take: ((response: JsonObject) => void) | undefined;
	#isTaking = false;

	/** @param say told of everything but answers to what is asked here. */
	private constructor(sessionId: string | undefined, say: (message: JsonObject) => void) {
		this.sessionId = sessionId;
		this.#say = say;
	}

	/** @param report told of what goes wrong with no request to answer, unless the server is. */
	static async with(
		server: SdkServer,
		sessionId: string | undefined,
		say: (message: JsonObject, exchange: SdkExchange) => void,
		report: (error: unknown) => void,
	): Promise<SdkExchange> {
		const exchange: SdkExchange = new SdkExchange(sessionId, (message) => say(message, exchange));
		const { onerror = report } = server.server;
		// oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK has no events
		server.server.onerror = (error) => {
			onerror.call(server.server, error);
			exchange.#refuse();
		};
		await server.connect(exchange);
		return exchange;
	}

	async start(): Promise<void> {}

	async send(message: object): Promise<void> {
		// Sound: the SDK sends messages.
		const said = message as JsonObject;
		if (isClientResponse(said)) this.#take?.(said);
		else this.#say(said);
	}

	async close(): Promise<void> {
		this.onclose?.();
	}

	/** Has the server answer a request; null where it was cancelled. One at a time. */
	async ask(request: JsonObject, { auth, signal }: Asked): Promise<JsonObject | null> {
		if (signal?.aborted) return null;
		const { promise, resolve } = Promise.withResolvers<JsonObject | null>();
		this.#take = resolve;
		const cancel = (): void => {
			const params = { requestId: request.id, reason: 'The client cancelled the request' };
			this.deliver({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
			resolve(null);
		};
		signal?.addEventListener('abort', cancel, { once: true });
		this.#isTaking = true;
		this.deliver(request, auth);
		this.#isTaking = false;
		try {
			return await promise;
		} finally {
			signal?.removeEventListener('abort', cancel);
			this.#take = undefined;
		}
	}

	/** Hands the server a message that it does not answer. */
	deliver(message: object, auth?: AuthInfo): void {
		// Sound: the SDK's own function, which looks at what it gets.
		const deliver = this.onmessage as Deliver | undefined;
		deliver?.(message, auth && { authInfo: auth });
	}

	/** What the SDK takes for no message it reports, and does not answer. */
	#refuse(): void {
		if (!this.#isTaking) return;
		const error = { code: -32_600, message: 'The message is not one of the protocol' };
		this.#take?.({ jsonrpc: '2.0', id: null, error });
	}
}
