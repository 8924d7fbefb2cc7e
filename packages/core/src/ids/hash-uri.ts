import { toBase64Url } from './base64url.ts';

/**
 * Hashes a uri of any length for a storage key: SHA-256 in base64url, 43 characters. Hashes have the
 * same length, so none is a prefix of another.
 */
export async function hashUri(uri: string): Promise<string> {
	// JSON escapes unpaired surrogates; plain UTF-8 would encode all of them alike.
	const bytes = new TextEncoder().encode(JSON.stringify(uri));
	return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
