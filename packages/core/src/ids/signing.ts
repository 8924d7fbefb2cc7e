import { fromBase64Url, toBase64Url } from './base64url.ts';

/** Authenticates texts that clients carry. */
export interface Signing {
	/** Returns the MAC of a text by the first key: 43 characters of base64url. */
	sign(text: string): Promise<string>;
	/** Returns whether one of the keys made this MAC, which must match `MAC`. Compares in constant time. */
	verify(text: string, mac: string): Promise<boolean>;
}

/**
 * Matches a MAC. The last character of 32 bytes carries four bits: other spellings of the same bytes are
 * rejected.
 */
export const MAC: string = String.raw`[\w-]{42}[AEIMQUYcgkosw048]`;

/**
 * Creates an HMAC-SHA-256 signing.
 *
 * @param label separates these MACs from those that another feature makes with the same keys.
 */
export function createSigning(keys: readonly string[], label: string): Signing {
	const imported: CryptoKey[] = [];
	const keyAt = async (index: number): Promise<CryptoKey> =>
		(imported[index] ??= await importKey(keys[index] ?? ''));
	const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
		new TextEncoder().encode(`${label} ${text}`);
	return {
		async sign(text) {
			const mac = await crypto.subtle.sign('HMAC', await keyAt(0), bytesOf(text));
			return toBase64Url(new Uint8Array(mac));
		},
		async verify(text, mac) {
			const signed = bytesOf(text);
			for (let index = 0; index < keys.length; index++) {
				const key = await keyAt(index);
				if (await crypto.subtle.verify('HMAC', key, fromBase64Url(mac), signed)) return true;
			}
			return false;
		},
	};
}

function importKey(secret: string): Promise<CryptoKey> {
	const algorithm = { name: 'HMAC', hash: 'SHA-256' };
	const bytes = new TextEncoder().encode(secret);
	return crypto.subtle.importKey('raw', bytes, algorithm, false, ['sign', 'verify']);
}
