/** A complete answer, as data: it can cross an RPC and needs no `Response` until it reaches the client. */
export interface PlainAnswer {
	readonly status: number;
	readonly headers: Record<string, string>;
	/** Empty if the answer has no body. */
	readonly body: string;
}

/** An answer to one request: data if it is complete, a `Response` if it streams. */
export type Answer = PlainAnswer | Response;

/** Makes the `Response` that a platform sends. */
export function toResponse(answer: Answer): Response {
	if (answer instanceof Response) return answer;
	const { status, headers, body } = answer;
	return new Response(body === '' ? null : body, { status, headers });
}
