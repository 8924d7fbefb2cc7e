/** Encodes bytes as base64url without padding: safe in a URL, a header and a key. */
export function toBase64Url(bytes: Uint8Array): string {
	let binary = '';
	// One at a time: spreading about 100,000 bytes as arguments overflows the stack.
	for (const byte of bytes) binary += String.fromCharCode(byte);
	return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * Decodes base64url. It also accepts other spellings than that of `toBase64Url`; to reject them,
 * encode the result and compare.
 *
 * @throws if the text is not base64url.
 */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
	const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
	const bytes = new Uint8Array(binary.length);
	// Hot path: `Uint8Array.from` with a callback takes six times as long.
	for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
	return bytes;
}
