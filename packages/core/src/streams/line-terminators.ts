/**
 * The characters at which a client may end a line, and that JSON leaves as they are: Python's `splitlines`
 * and Java's `\R` split at U+0085, Node.js's `readline` at U+2028 and U+2029. JSON escapes all others.
 */
const LINE_TERMINATORS = /[\u0085\u2028\u2029]/g;

/** Escapes the characters of a JSON text, or of a frame with one, at which a client may end a line. */
export function escapeLineTerminators(text: string): string {
	// Hot path: most texts have none, and `search` copies nothing.
	if (text.search(LINE_TERMINATORS) === -1) return text;
	return text.replace(
		LINE_TERMINATORS,
		(char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
	);
}

/** Returns a value as JSON of one line, whatever its reader takes for the end of a line. */
export function toJsonLine(value: unknown): string {
	return escapeLineTerminators(JSON.stringify(value));
}
