import { fromBase64Url, toBase64Url } from './base64url.ts';

/** Encrypts and authenticates texts that clients carry. */
export interface Sealing {
	/**
	 * Seals with the first secret.
	 *
	 * @param boundTo must be equal in `open`; the result does not contain it.
	 * @returns base64url that begins with its `id`: 4/3 of the length of the text, plus 54 characters.
	 */
	seal(text: string, boundTo: string): Promise<string>;
	/** Opens what any of the secrets sealed with the same `boundTo`. Accepts any text. */
	open(sealed: string, boundTo: string): Promise<Opened | undefined>;
}

/** The content of a sealed text. */
interface Opened {
	/** The first `SEALED_ID_LENGTH` characters: random and unique for each sealed text. */
	readonly id: string;
	readonly text: string;
}

/** 192 bits. A multiple of three, so that no base64url character of the salt has bits of the ciphertext. */
const SALT_BYTES = 24;
const TAG_BYTES = 16;
/** Constant, because each key is derived from a new salt and encrypts once. */
const NONCE: Uint8Array<ArrayBuffer> = new Uint8Array(12);

/** The length of an `id` in characters. */
export const SEALED_ID_LENGTH: number = (SALT_BYTES * 4) / 3;

/**
 * Creates an AES-256-GCM sealing. Each text has its own key, which HKDF-SHA-256 derives from a
 * secret and a random salt. A single key with random 96-bit nonces would be limited to 2^32 texts
 * (NIST SP 800-38D, section 8.3), which stateless isolates cannot count.
 *
 * @param secrets must have full entropy: HKDF does not slow down guessing.
 * @param label separates these keys from keys that are derived from the same secrets for another
 * purpose.
 */
export function createSealing(secrets: readonly string[], label: string): Sealing {
	const encoder = new TextEncoder();
	const info = encoder.encode(label);
	const imported: CryptoKey[] = [];
	const keyFor = async (salt: BufferSource, index: number): Promise<CryptoKey> => {
		const secret = (imported[index] ??= await importSecret(secrets[index] ?? ''));
		return crypto.subtle.deriveKey(
			{ name: 'HKDF', hash: 'SHA-256', salt, info },
			secret,
			{ name: 'AES-GCM', length: 256 },
			false,
			['encrypt', 'decrypt'],
		);
	};
	const algorithm = (boundTo: string): AesGcmParams => ({
		name: 'AES-GCM',
		iv: NONCE,
		additionalData: encoder.encode(boundTo),
	});

	return {
		async seal(text, boundTo) {
			const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
			const key = await keyFor(salt, 0);
			const bytes = encoder.encode(text);
			const encrypted = await crypto.subtle.encrypt(algorithm(boundTo), key, bytes);
			return toBase64Url(salt) + toBase64Url(new Uint8Array(encrypted));
		},
		async open(sealed, boundTo) {
			const bytes = decode(sealed);
			if (!bytes) return undefined;
			const salt = bytes.subarray(0, SALT_BYTES);
			const encrypted = bytes.subarray(SALT_BYTES);
			for (let index = 0; index < secrets.length; index++) {
				const key = await keyFor(salt, index);
				const text = await crypto.subtle
					.decrypt(algorithm(boundTo), key, encrypted)
					// Sealed with another secret or label, or forged: try the next secret.
					.catch(() => undefined);
				if (!text) continue;
				return { id: sealed.slice(0, SEALED_ID_LENGTH), text: new TextDecoder().decode(text) };
			}
			return undefined;
		},
	};
}

/** Returns salt and ciphertext, or `undefined` if `seal` cannot have written this text. */
function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
	if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) return undefined;
	const bytes = fromBase64Url(text);
	if (bytes.length < SALT_BYTES + TAG_BYTES) return undefined;
	// The last character may have unused bits. Only one spelling of a sealed text is accepted.
	return toBase64Url(bytes) === text ? bytes : undefined;
}

function importSecret(secret: string): Promise<CryptoKey> {
	const bytes = new TextEncoder().encode(secret);
	return crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey']);
}
