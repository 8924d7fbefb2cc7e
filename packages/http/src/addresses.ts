/** Where a request goes. */
export interface Address {
	/** As the request has it. */
	readonly text: string;
	readonly url: URL;
	/** Whether it is not where the endpoint is. */
	readonly isElsewhere: boolean;
}

/** Reads the addresses of requests: a client calls the same one with all that it sends. */
export class Addresses {
	readonly #path: string | null;
	#last: Address | undefined;

	/** @param path of the endpoint; null where it answers on every path. */
	constructor(path: string | null) {
		this.#path = path;
	}

	of({ url: text }: Request): Address {
		if (this.#last?.text === text) return this.#last;
		const url = new URL(text);
		const isElsewhere = this.#path !== null && url.pathname !== this.#path;
		return (this.#last = { text, url, isElsewhere });
	}
}
