/** An answer as the transport gives it, without the work that leads to it. */
export function answerWith(body: string): Response {
	return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}
