/** A complete answer as data: it can cross an RPC, and needs no `Response` before it reaches the client. */
export interface PlainAnswer {
	readonly status: number;
	readonly headers: Record<string, string>;
	/** Empty if the answer has no body. */
	readonly body: string;
	/**
	 * Which mistake of the deployment made a request by RPC fail. The Worker adds it for clients on its own
	 * machine.
	 */
	readonly mistake?: string | undefined;
}

/** The answer to a request: data if it is complete, a `Response` if it streams. */
export type Answer = PlainAnswer | Response;

/** Creates the `Response` that a platform sends. */
export function toResponse(answer: Answer): Response {
	if (answer instanceof Response) return answer;
	const { status, headers, body } = answer;
	// An empty string as a body would get a content type.
	return new Response(body === '' ? null : body, { status, headers });
}

/** Creates the answer to a notification or a client response that was accepted. */
export function accepted(): PlainAnswer {
	return { status: 202, headers: {}, body: '' };
}

/** Creates the answer to a preflight of a browser, and to any other OPTIONS request. */
export function preflightAnswer(allow: string): PlainAnswer {
	return { status: 204, headers: { allow }, body: '' };
}
