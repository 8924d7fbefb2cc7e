import type { RequestScope, StoreError } from '@tmcp-sessions/core';

/** What a platform hands a `fetch` handler to keep a request alive: Workers' `ctx`, or its like. */
export interface ExecutionContextLike {
	waitUntil(work: Promise<unknown>): void;
}

/** One request and the work that it must outlive. */
export class RequestWork implements RequestScope {
	/** Settles when the server is through with the message of this request. Never rejects. */
	readonly handled: Promise<void>;
	/** Settles when the server gets the message: until then the request waits for its own storage. */
	readonly begun: Promise<void>;
	/** The id of the request that is being answered; a notification and a response have none. */
	messageId: string | number | undefined;
	/** Whether the server is through: nothing more will come on a stream than what it holds. */
	isHandled = false;
	/** Why the session's record could not be read: the message must not be handled without it. */
	failure: StoreError | undefined;
	/** Whether a client that goes away ends this: it only listened. A tool call goes on without it. */
	endsWithClient = false;

	readonly #context: ExecutionContextLike | undefined;
	readonly #report: (error: unknown) => void;
	#resolveBegun: () => void = () => {};
	#resolveHandled: () => void = () => {};

	/**
	 * @param context of the platform; without one, the process itself keeps the work alive.
	 * @param report told of work that rejects.
	 */
	constructor(context: ExecutionContextLike | undefined, report: (error: unknown) => void) {
		this.#context = context;
		this.#report = report;
		this.begun = new Promise((resolve) => (this.#resolveBegun = resolve));
		this.handled = new Promise((resolve) => (this.#resolveHandled = resolve));
	}

	waitUntil(work: Promise<unknown>): void {
		const reported = work.catch(this.#report);
		this.#context?.waitUntil(reported);
	}

	/** Says that the server gets the message now. */
	begin(): void {
		this.#resolveBegun();
	}

	/** Says that the server is through with the message. */
	finish(): void {
		this.isHandled = true;
		this.#resolveHandled();
	}
}
