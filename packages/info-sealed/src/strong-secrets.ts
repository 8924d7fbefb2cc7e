import { checkSecrets, parseSecrets, secretError } from '@tmcp-sessions/core/internal';

import { PACKAGE } from './package-name.ts';

/** The key length of AES-256. */
const MIN_BITS = 256;
/** `openssl rand -hex 32` nearly always prints 15 or 16 different digits. */
const MIN_DISTINCT = 10;
const REPEATED = /^(.+?)\1+$/;
const EXAMPLE =
	/change.?(?:me|this)|replace.?(?:me|this)|example|placeholder|password|your.?(?:secret|key)/i;

/**
 * Parses secrets and checks that they are strong enough to seal with: a client can guess the secret of
 * its id offline, without limit.
 *
 * @throws {TmcpSessionsError} `configuration`, if there is no secret, or one is too short for 256 bits,
 * repeats itself or is a known example. The message does not reveal it.
 */
export function parseStrongSecrets(texts: readonly (string | undefined)[]): string[] {
	const purpose = 'sealed session ids need keys';
	const secrets = parseSecrets(texts);
	checkSecrets(secrets, PACKAGE, purpose);
	for (const secret of secrets) {
		const weakness = weaknessOf(secret);
		if (weakness) throw secretError(PACKAGE, `${purpose} of 256 random bits; got ${weakness}`);
	}
	return secrets;
}

function weaknessOf(secret: string): string | undefined {
	const bits = maxEntropyBits(secret);
	if (bits < MIN_BITS) return `one of ${secret.length} characters, at most ${bits} bits`;
	if (new Set(secret).size < MIN_DISTINCT || REPEATED.test(secret))
		return 'one that repeats itself';
	return EXAMPLE.test(secret) ? 'one that is an example' : undefined;
}

/** Returns the most random bits that a text of these characters can contain. */
function maxEntropyBits(secret: string): number {
	if (/^\d+$/.test(secret)) return Math.floor(secret.length * Math.log2(10));
	// Hexadecimal digits or UUIDs.
	if (/^[\da-f-]+$/i.test(secret)) return 4 * secret.replaceAll('-', '').length;
	return 6 * secret.replace(/=+$/, '').length;
}
