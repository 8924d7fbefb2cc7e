import { fromBase64Url, toBase64Url } from './base64url.ts';

/** Seals texts, so that nobody can read or change them on their way through a client. */
export interface Sealing {
	/**
	 * Seals with the first key.
	 *
	 * @param boundTo is not in the result: nothing opens it but the same text.
	 * @returns `<version>.<base64url>`, a third longer than the text and some 40 characters.
	 */
	seal(text: string, boundTo: string): Promise<string>;
	/** Opens with any key what was sealed with the same `boundTo`. Takes any text. */
	open(sealed: string, boundTo: string): Promise<Opened | undefined>;
}

/** What was sealed. */
export interface Opened {
	/** The nonce: another one for each text that was sealed. */
	readonly id: string;
	readonly text: string;
}

const VERSION = '1';
/** 96 bits, as AES-GCM has them. Random ones are good for 2^32 texts of one key: NIST SP 800-38D, 8.3. */
const NONCE_BYTES = 12;

/**
 * AES-256-GCM with keys derived of the secrets by HKDF-SHA-256.
 *
 * @param label what is sealed: it makes other keys than any that are made of the same secrets
 * for something else.
 */
export function createSealing(secrets: readonly string[], label: string): Sealing {
	const use = `${label} ${VERSION}`;
	const keys: CryptoKey[] = [];
	const keyAt = async (index: number): Promise<CryptoKey> =>
		(keys[index] ??= await deriveKey(secrets[index] ?? '', use));
	const algorithm = (nonce: BufferSource, boundTo: string): AesGcmParams => ({
		name: 'AES-GCM',
		iv: nonce,
		additionalData: new TextEncoder().encode(`${use} ${boundTo}`),
	});

	return {
		async seal(text, boundTo) {
			const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
			const bytes = new TextEncoder().encode(text);
			const encrypted = await crypto.subtle.encrypt(
				algorithm(nonce, boundTo),
				await keyAt(0),
				bytes,
			);
			const sealed = new Uint8Array(NONCE_BYTES + encrypted.byteLength);
			sealed.set(nonce);
			sealed.set(new Uint8Array(encrypted), NONCE_BYTES);
			return `${VERSION}.${toBase64Url(sealed)}`;
		},
		async open(sealed, boundTo) {
			const bytes = bytesOf(sealed);
			if (!bytes) return undefined;
			const nonce = bytes.subarray(0, NONCE_BYTES);
			const encrypted = bytes.subarray(NONCE_BYTES);
			for (let index = 0; index < secrets.length; index++) {
				const key = await keyAt(index);
				const opened = await crypto.subtle
					.decrypt(algorithm(nonce, boundTo), key, encrypted)
					// Sealed with another key, for something else, or by nobody: the next key may open it.
					.catch(() => undefined);
				if (opened) return { id: toBase64Url(nonce), text: new TextDecoder().decode(opened) };
			}
			return undefined;
		},
	};
}

/** Nonce and ciphertext; `undefined` where `seal` spells nothing like this. */
function bytesOf(sealed: string): Uint8Array<ArrayBuffer> | undefined {
	if (!sealed.startsWith(`${VERSION}.`)) return undefined;
	const text = sealed.slice(VERSION.length + 1);
	if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) return undefined;
	const bytes = fromBase64Url(text);
	// The last character may carry bits that no byte has: one sealed text has one spelling.
	return toBase64Url(bytes) === text ? bytes : undefined;
}

async function deriveKey(secret: string, use: string): Promise<CryptoKey> {
	const encoder = new TextEncoder();
	const material = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, [
		'deriveKey',
	]);
	return crypto.subtle.deriveKey(
		{ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode(use) },
		material,
		{ name: 'AES-GCM', length: 256 },
		false,
		['encrypt', 'decrypt'],
	);
}
