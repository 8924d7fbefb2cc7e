/** Said where the answer is JSON, and of something else. */
export const NOT_THE_PROTOCOL = "the answer is not of Upstash's REST protocol";

/**
 * Why the service did not do what it was asked, in words that can be logged. The client's own words
 * hold the whole command, and those of `fetch` the URL or a header: none of that comes in.
 *
 * @param cause what the client or `fetch` threw.
 * @param encodedId the session that the command was about, which is not shown.
 */
export function failureReason(cause: unknown, timeoutMs: number, encodedId?: string): string {
	if (!(cause instanceof Error)) return 'the client threw something that is no error';
	const shown = (text: string): string => {
		const [words = ''] = text.split(', command was:');
		const safe = words
			.replaceAll(/https?:\/\/\S+/gi, '<url>')
			.replaceAll(/\bBearer\s[^"]+/g, '<token>');
		return encodedId === undefined ? safe : safe.replaceAll(encodedId, '<id>');
	};
	switch (cause.name) {
		case 'TimeoutError':
		case 'AbortError':
			return `there was no answer in time (${timeoutMs} ms at most)`;
		case 'UpstashJSONParseError':
			return "the answer is no JSON. Is the URL that of Upstash's REST API?";
		case 'UpstashError':
			return answered(shown(cause.message.replace(/^Command \d+ \[ \w+ \] failed: /, '')));
		default:
			return isOfAnswer(cause)
				? NOT_THE_PROTOCOL
				: shown(`${cause.message}${systemError(cause.cause)}`);
	}
}

/** Whether Redis says that the key holds another type than the one expected. */
export function isWrongType(cause: unknown): boolean {
	return (
		cause instanceof Error && cause.name === 'UpstashError' && cause.message.includes('WRONGTYPE')
	);
}

/** A TypeError of the client, which looked into an answer of another shape, and not one of `fetch`. */
function isOfAnswer({ name, message }: Error): boolean {
	return name === 'TypeError' && !/fetch|header|request|network|connect|load/i.test(message);
}

function answered(words: string): string {
	if (words === '' || words === 'undefined')
		return 'the service answered with an error without words';
	return /^(WRONGPASS|NOAUTH|NOPERM)|unauthorized/i.test(words)
		? `the service refuses the token (${words}). Is it the REST token of this database, and not read-only?`
		: `the service answered: ${words}`;
}

/** `fetch` of Node.js says "fetch failed", and why in the cause alone. */
function systemError(cause: unknown): string {
	// Sound: read as unknown.
	const code = cause instanceof Error ? (cause as { code?: unknown }).code : undefined;
	return typeof code === 'string' ? ` (${code})` : '';
}
