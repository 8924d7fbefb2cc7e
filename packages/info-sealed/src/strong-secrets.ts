import { checkSecrets, parseSecrets, secretError } from '@tmcp-sessions/core/internal';

/** What AES-256 takes. */
const MIN_BITS = 256;
/** `openssl rand -hex 32` has all sixteen digits, or one less. */
const MIN_DISTINCT = 10;
const REPEATED = /^(.+?)\1+$/;
const EXAMPLE =
	/change.?(?:me|this)|replace.?(?:me|this)|example|placeholder|password|your.?(?:secret|key)/i;

/**
 * The secrets in these texts, if all of them are good enough to seal with: whoever has one id can
 * try to guess the secret as often as they like, and nobody sees it.
 *
 * @throws {TmcpSessionsError} `configuration`, where there is none, or one has room for fewer than
 * 256 bits, repeats itself or is an example. The message holds nothing of it.
 */
export function strongSecretsIn(
	texts: readonly (string | undefined)[],
	packageName: string,
): string[] {
	const purpose = 'sealed session ids need keys';
	const secrets = parseSecrets(texts);
	checkSecrets(secrets, packageName, purpose);
	for (const secret of secrets) {
		const weakness = weaknessOf(secret);
		if (weakness) throw secretError(packageName, `${purpose} of 256 random bits; got ${weakness}`);
	}
	return secrets;
}

function weaknessOf(secret: string): string | undefined {
	const bits = roomInBits(secret);
	if (bits < MIN_BITS) return `one of ${secret.length} characters, room for ${bits} bits`;
	if (new Set(secret).size < MIN_DISTINCT || REPEATED.test(secret))
		return 'one that repeats itself';
	return EXAMPLE.test(secret) ? 'one out of an example' : undefined;
}

/** How many random bits a text of such characters can hold at most. */
function roomInBits(secret: string): number {
	if (/^\d+$/.test(secret)) return Math.floor(secret.length * Math.log2(10));
	// A UUID is one too.
	if (/^[\da-f-]+$/i.test(secret)) return 4 * secret.replaceAll('-', '').length;
	return 6 * secret.replace(/=+$/, '').length;
}
