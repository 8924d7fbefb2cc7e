import type { ClientResponse, JsonObject } from '@tmcp-sessions/http/server';

import type { SdkExchange } from './sdk-exchange.ts';

/**
 * The open server requests of all exchanges. Each has an id that is unique here: the SDK counts the
 * requests of each server from 0.
 */
export class ServerRequests {
	readonly #open = new Map<
		string | number,
		{ readonly exchange: SdkExchange; readonly id: string | number }
	>();
	#last = 0;

	/** Returns the request with its id here. */
	add(exchange: SdkExchange, request: JsonObject, id: string | number): ClientResponse {
		const own = (this.#last += 1);
		this.#open.set(own, { exchange, id });
		return { ...request, id: own };
	}

	/** Hands the response to the exchange that sent the request. */
	receive(response: ClientResponse): void {
		const open = this.#open.get(response.id);
		this.#open.delete(response.id);
		open?.exchange.deliver({ ...response, id: open.id });
	}

	/** Forgets the requests of an exchange that has ended. */
	delete(exchange: SdkExchange): void {
		for (const [id, open] of this.#open) if (open.exchange === exchange) this.#open.delete(id);
	}
}
