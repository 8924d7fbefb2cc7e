import { toBase64Url } from './base64url.ts';

/**
 * Hashes a text of any length, such as a uri for a storage key: SHA-256 in base64url, 43 characters.
 * Hashes have the same length, so none is a prefix of another.
 */
export async function hashText(text: string): Promise<string> {
	// JSON escapes unpaired surrogates; plain UTF-8 would encode all of them alike.
	const bytes = new TextEncoder().encode(JSON.stringify(text));
	return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
