import { toBase64Url } from './base64url.ts';

/**
 * What a uri of any length is found by in a backend's keys: its SHA-256 in base64url, 43 characters.
 * No uri is a prefix of another's hash.
 */
export async function hashUri(uri: string): Promise<string> {
	// As JSON, where the halves of a surrogate pair stay different: UTF-8 would make one of them.
	const bytes = new TextEncoder().encode(JSON.stringify(uri));
	return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
