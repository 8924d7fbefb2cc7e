/** Bytes as base64url without padding: safe in a URL, a header and a key. */
export function toBase64Url(bytes: Uint8Array): string {
	let binary = '';
	// One by one: as arguments of one call, some 100,000 bytes are more than the stack takes.
	for (const byte of bytes) binary += String.fromCharCode(byte);
	return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * The bytes that `toBase64Url` made this text of. Other spellings of the same bytes pass too: who
 * must not take them compares the text with `toBase64Url` of the result.
 *
 * @throws where it is no base64url.
 */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
	const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
	return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
