import { fromBase64Url, toBase64Url } from './base64url.ts';
import { checkSecrets } from './secrets.ts';

/** Makes and checks session ids. */
export interface SessionIds {
	/**
	 * A new id: `<version>.<random>.<mac>`, 78 characters of `A-Z a-z 0-9 - _ .`.
	 *
	 * @param principal whose session it is. It is in the MAC and not in the id: nobody else's
	 * request passes with it, and it tells nobody whose it is. Default: nobody's.
	 */
	mint(principal?: string): Promise<string>;
	/** Whether one of the keys made this id, for this principal. Costs no storage; takes any string. */
	verify(id: string, principal?: string): Promise<boolean>;
}

/** Keys for `createSessionIds`. */
export interface SessionIdOptions {
	/**
	 * Secrets of at least 32 characters. The first signs, all verify: to rotate, put the new one in
	 * front and drop the old one after the absolute lifetime of a session.
	 */
	readonly keys: readonly string[];
}

const VERSION = '1';
const RANDOM_BYTES = 24;
// The last character of 32 bytes carries four bits: any other spelling of the same bytes is refused.
const MINTED = /^1\.[\w-]{32}\.[\w-]{42}[AEIMQUYcgkosw048]$/;

/**
 * Session ids that nobody can guess (192 random bits; the specification asks for 128) or forge: an
 * HMAC-SHA-256 lets a stranger's id be refused before any storage is read.
 *
 * @throws {TmcpSessionsError} `configuration`, where there is no key or one is too short.
 */
export function createSessionIds({ keys }: SessionIdOptions): SessionIds {
	checkSecrets(keys, 'core', 'session ids need keys');
	const imported: CryptoKey[] = [];
	const keyAt = async (index: number): Promise<CryptoKey> =>
		(imported[index] ??= await importKey(keys[index] ?? ''));

	return {
		async mint(principal) {
			const random = toBase64Url(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
			const mac = await crypto.subtle.sign('HMAC', await keyAt(0), signedBytes(random, principal));
			return `${VERSION}.${random}.${toBase64Url(new Uint8Array(mac))}`;
		},
		async verify(id, principal) {
			if (!MINTED.test(id)) return false;
			const [, random = '', mac = ''] = id.split('.');
			const signed = signedBytes(random, principal);
			// subtle.verify compares in constant time.
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

// The label keeps a MAC made for something else with the same key from passing as one for an id.
function signedBytes(random: string, principal = ''): Uint8Array<ArrayBuffer> {
	return new TextEncoder().encode(`tmcp-sessions session id ${VERSION}.${random} ${principal}`);
}
