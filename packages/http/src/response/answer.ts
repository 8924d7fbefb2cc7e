/** A complete answer as data: it can cross an RPC, and needs no `Response` before it reaches the client. */
export interface PlainAnswer {
	readonly status: number;
	readonly headers: Record<string, string>;
	/** Empty if the answer has no body. */
	readonly body: string;
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

/** Creates the answer to a path that the handler does not serve. */
export function notFound(): PlainAnswer {
	const headers = { 'content-type': 'text/plain;charset=UTF-8' };
	return { status: 404, headers, body: 'Not found' };
}
