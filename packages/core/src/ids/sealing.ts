import { fromBase64Url, toBase64Url } from './base64url.ts';

/** Seals texts, so that nobody can read or change them on their way through a client. */
export interface Sealing {
	/**
	 * Seals with the first secret.
	 *
	 * @param boundTo is not in the result: nothing opens it but the same text.
	 * @returns base64url that begins with its `id`; a third longer than the text, and 54 characters.
	 */
	seal(text: string, boundTo: string): Promise<string>;
	/** Opens with any secret what was sealed with the same `boundTo`. Takes any text. */
	open(sealed: string, boundTo: string): Promise<Opened | undefined>;
}

/** What was sealed. */
interface Opened {
	/** The first `SEALED_ID_LENGTH` characters: others for each text that was sealed, and random. */
	readonly id: string;
	readonly text: string;
}

/** 192 bits. A multiple of three, so that the salt has characters of its own. */
const SALT_BYTES = 24;
const TAG_BYTES = 16;
/** A key is used once, for its own salt: there is no second nonce to tell from the first. */
const NONCE: Uint8Array<ArrayBuffer> = new Uint8Array(12);

/** The length of an `id`, in characters. */
export const SEALED_ID_LENGTH: number = (SALT_BYTES * 4) / 3;

/**
 * AES-256-GCM, each text under a key of its own that HKDF-SHA-256 derives of a secret and a random
 * salt. With one key for all and random nonces of 96 bits, a secret would be good for 2^32 texts
 * (NIST SP 800-38D, 8.3) and somebody would have to count them.
 *
 * @param secrets of full strength: nothing here slows down who guesses them.
 * @param label what is sealed: it makes other keys than any that are made of the same secrets
 * for something else.
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
			const bytes = bytesOf(sealed);
			if (!bytes) return undefined;
			const salt = bytes.subarray(0, SALT_BYTES);
			const encrypted = bytes.subarray(SALT_BYTES);
			for (let index = 0; index < secrets.length; index++) {
				const key = await keyFor(salt, index);
				const text = await crypto.subtle
					.decrypt(algorithm(boundTo), key, encrypted)
					// Sealed with another secret, for something else, or by nobody: the next may open it.
					.catch(() => undefined);
				if (!text) continue;
				return { id: sealed.slice(0, SEALED_ID_LENGTH), text: new TextDecoder().decode(text) };
			}
			return undefined;
		},
	};
}

/** Salt and ciphertext; `undefined` where `seal` spells nothing like this. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
	if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) return undefined;
	const bytes = fromBase64Url(text);
	if (bytes.length < SALT_BYTES + TAG_BYTES) return undefined;
	// The last character may carry bits that no byte has: one sealed text has one spelling.
	return toBase64Url(bytes) === text ? bytes : undefined;
}

function importSecret(secret: string): Promise<CryptoKey> {
	const bytes = new TextEncoder().encode(secret);
	return crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey']);
}
