import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import type { ClientResponse, JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/** Hands a client response to the server. */
type Receive = (response: never) => unknown;

/** The server requests that an extension sends, beside those of the server. */
export class ExtensionRequests {
	readonly #open = new Map<string | number, (response: ClientResponse) => void>();
	readonly #receive: Receive;

	/** @param receive takes the responses to requests of the server. */
	constructor(receive: Receive) {
		this.#receive = receive;
	}

	/** Takes a client response, for the extension or the server. */
	async receive(response: ClientResponse): Promise<unknown> {
		const open = this.#open.get(response.id);
		// Safe because the server checks it.
		if (!open) return this.#receive(response as never);
		this.#open.delete(response.id);
		open(response);
		return undefined;
	}

	/**
	 * Sends the client a request on the stream of its call, and returns the response.
	 *
	 * @param write writes the request to the stream.
	 */
	send(
		calls: Pick<InFlightCalls, 'sendRequest'>,
		context: RequestContext,
		request: JsonObject,
		write: (frame: object) => void,
	): Promise<ClientResponse> {
		const { promise, resolve } = Promise.withResolvers<ClientResponse>();
		const id = `extension-${crypto.randomUUID()}`;
		this.#open.set(id, resolve);
		calls.sendRequest(context, { jsonrpc: '2.0', ...request, id }, write);
		return promise;
	}
}
