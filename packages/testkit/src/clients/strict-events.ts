/** Where clients end a line: Python's `splitlines`, of which Java's and Node.js's rules are a part. */
// oxlint-disable-next-line no-control-regex -- Safe because these controls are what Python ends lines at
const LINE_END = /\r\n|[\n\v\f\r\u001C-\u001E\u0085\u2028\u2029]/;
const KNOWN_LINE = /^(?:data:|id:|event:|:)/;

/**
 * Reads a stream by the rules of Java clients (`ResponseSubscribers` of the Java SDK 0.10 to 1.0), and by
 * those of clients that end lines at every Unicode line terminator.
 *
 * @returns the JSON of each message.
 * @throws for a line that begins with neither a known field nor a colon, such as `retry:`, and for a message
 * that is not JSON, such as that of a `data:` line with a space alone.
 */
export function readStrictly(text: string): unknown[] {
	const messages: unknown[] = [];
	let data = '';
	let event = '';
	for (const line of text.split(LINE_END)) {
		if (line === '') {
			if (data !== '' && event !== 'endpoint') messages.push(JSON.parse(data));
			[data, event] = ['', ''];
		} else if (!KNOWN_LINE.test(line)) {
			throw new Error(`Invalid SSE response. Line: ${line}`);
		} else if (line.startsWith('event:')) {
			event = line.slice('event:'.length).trim();
		} else if (line.startsWith('data:') && line !== 'data:') {
			data += `${line.slice('data:'.length).trim()}\n`;
		}
	}
	return messages;
}
