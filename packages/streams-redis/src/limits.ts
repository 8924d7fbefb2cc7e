/** The longest session id, URI encoded. */
export const MAX_SESSION_ID_BYTES = 1_024;

/** The largest message, in UTF-8 as JSON: two of them fit into a request to Upstash. */
const MAX_MESSAGE_BYTES: number = 512 * 1_024;

const encoder = new TextEncoder();

/** Returns the size of a text in UTF-8. */
function utf8Length(text: string): number {
	// Most messages are short: count only those that might exceed the limit.
	return text.length * 3 <= MAX_MESSAGE_BYTES ? text.length : encoder.encode(text).length;
}

/** Returns why a message cannot be sent, or `undefined` if it can. */
export function sizeProblem(json: string): string | undefined {
	const bytes = utf8Length(json);
	if (bytes <= MAX_MESSAGE_BYTES) return undefined;
	return `a message must have at most ${MAX_MESSAGE_BYTES} bytes as JSON; got ${bytes}. Send a link to large content instead`;
}
