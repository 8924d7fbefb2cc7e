/** Describes a JSON response of another protocol. */
export const INVALID_RESPONSE = "the response does not follow Upstash's REST protocol";

/**
 * Describes why a command failed, in words that are safe to log. The messages of the client contain
 * the whole command, and those of `fetch` the URL or a header; all of these are removed.
 *
 * @param cause the value that the client or `fetch` threw.
 * @param encodedId the session id of the command, which is removed too.
 * @param host of the database, if it is known: "fetch failed" alone names none.
 */
export function failureReason(
	cause: unknown,
	timeoutMs: number,
	encodedId?: string,
	host?: string,
): string {
	const reason = describe(cause, timeoutMs, encodedId);
	// The service itself reports what it rejects.
	const isOfService = cause instanceof Error && cause.name === 'UpstashError';
	return host === undefined || isOfService ? reason : `${reason} (host ${host})`;
}

function describe(cause: unknown, timeoutMs: number, encodedId: string | undefined): string {
	if (!(cause instanceof Error)) return 'the client threw a value that is not an Error';
	const redact = (text: string): string => {
		const [words = ''] = text.split(', command was:');
		const safe = words
			.replaceAll(/https?:\/\/\S+/gi, '<url>')
			.replaceAll(/\bBearer\s[^"]+/g, '<token>');
		return encodedId === undefined ? safe : safe.replaceAll(encodedId, '<id>');
	};
	switch (cause.name) {
		case 'TimeoutError':
		case 'AbortError':
			return `no response within ${timeoutMs} ms`;
		case 'UpstashJSONParseError':
			return "the response is not JSON. Is the URL that of Upstash's REST API?";
		case 'UpstashError':
			return serviceError(redact(cause.message.replace(/^Command \d+ \[ \w+ \] failed: /, '')));
		default:
			return isParsingError(cause)
				? INVALID_RESPONSE
				: redact(`${cause.message}${systemError(cause.cause)}`);
	}
}

/** Returns the host that a client of `@upstash/redis` calls, without user and password. */
export function hostOf(redis: object): string | undefined {
	// Safe because the properties are read as unknown. They are private, and may be missing.
	const { client } = redis as { client?: { baseUrl?: unknown } };
	const url = client?.baseUrl;
	return typeof url === 'string' && URL.canParse(url) ? new URL(url).host : undefined;
}

/** Whether Redis reports that the key holds another type than expected. */
export function isWrongType(cause: unknown): boolean {
	return (
		cause instanceof Error && cause.name === 'UpstashError' && cause.message.includes('WRONGTYPE')
	);
}

/** Whether the client failed on a response of another shape. `fetch` throws TypeErrors too. */
function isParsingError({ name, message }: Error): boolean {
	return name === 'TypeError' && !/fetch|header|request|network|connect|load/i.test(message);
}

function serviceError(words: string): string {
	if (words === '' || words === 'undefined')
		return 'the service returned an error without a message';
	return /^(WRONGPASS|NOAUTH|NOPERM)|unauthorized/i.test(words)
		? `the service rejected the token (${words}). Is it the REST token of this database, and not read-only?`
		: `the service returned an error: ${words}`;
}

/** Returns the system error code, which `fetch` of Node.js reports only in the cause of "fetch failed". */
function systemError(cause: unknown): string {
	// Safe because the property is read as unknown.
	const code = cause instanceof Error ? (cause as { code?: unknown }).code : undefined;
	return typeof code === 'string' ? ` (${code})` : '';
}
