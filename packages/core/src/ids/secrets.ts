import { TmcpSessionsError } from '../errors.ts';

const MIN_LENGTH = 32;
/** An HMAC key or a seal that a client can guess offline, without limit. */
const MIN_BITS = 128;
/** `openssl rand -hex 16` practically never prints fewer different digits. */
const MIN_DISTINCT = 8;
/** What documentation, templates and the examples of this repository have in place of a secret. */
const EXAMPLE =
	/change.?(?:me|this)|replace.?(?:me|this)|example|placeholder|password|your.?(?:secret|key)|on.this.machine/i;
const MAKE_ONE = 'Make one with: openssl rand -base64 32';

/** Parses secrets of variables, separated by spaces or commas. Unset variables are skipped. */
export function parseSecrets(texts: readonly (string | undefined)[]): string[] {
	return texts.flatMap((text) => text?.split(/[\s,]+/) ?? []).filter((secret) => secret !== '');
}

/**
 * Checks that there are secrets and that none of them is weak: a client can guess the secret of its
 * session id offline, without limit.
 *
 * @param purpose what needs them: "session ids need keys".
 * @param minBits the random bits that each of them can contain at least.
 * @throws {TmcpSessionsError} `configuration`, if there is no secret, or one is weak. The message does
 * not reveal it.
 */
export function checkSecrets(
	secrets: readonly string[],
	packageName: string,
	purpose: string,
	minBits: number = MIN_BITS,
): void {
	const weakness = weaknessOf(secrets, minBits);
	if (!weakness) return;
	const message = `${purpose} of ${weakness.required}; got ${weakness.found}. ${MAKE_ONE}`;
	throw new TmcpSessionsError('configuration', packageName, message);
}

/** What is wrong with secrets. */
interface Weakness {
	/** What they must be: "at least 32 characters". */
	readonly required: string;
	/** What was found, without revealing a secret. */
	readonly found: string;
}

/** Returns why secrets must not be used: there are none, or one is weak. */
export function weaknessOf(
	secrets: readonly string[],
	minBits: number = MIN_BITS,
): Weakness | undefined {
	const shortest = Math.min(...secrets.map(({ length }) => length));
	if (secrets.length === 0 || shortest < MIN_LENGTH) {
		const others =
			secrets.length > 1 ? `, of ${secrets.length} that spaces or commas separate` : '';
		const found = secrets.length === 0 ? 'none' : `one of ${shortest} characters${others}`;
		return { required: `at least ${MIN_LENGTH} characters`, found };
	}
	const [found] = secrets.flatMap((secret) => patternOf(secret, minBits) ?? []);
	return found === undefined ? undefined : { required: `${minBits} random bits`, found };
}

function patternOf(secret: string, minBits: number): string | undefined {
	const bits = maxEntropyBits(secret);
	if (bits < minBits) return `one of ${secret.length} characters, at most ${bits} bits`;
	if (repeats(secret)) return 'one that repeats itself';
	if (isMostlySequence(secret)) return 'one that is a sequence of characters';
	return EXAMPLE.test(secret) ? 'one that is an example' : undefined;
}

/** Whether a text has few different characters, or consists of copies of its beginning. */
function repeats(secret: string): boolean {
	if (new Set(secret).size < MIN_DISTINCT) return true;
	const half = Math.floor(secret.length / 2);
	for (let period = 1; period <= half; period++) {
		if (secret.startsWith(secret.slice(period))) return true;
	}
	return false;
}

/** Whether most characters follow the one before in the alphabet, or precede it: `abcdef…`, `98765…`. */
function isMostlySequence(secret: string): boolean {
	let steps = 0;
	for (let index = 1; index < secret.length; index++) {
		if (Math.abs(secret.charCodeAt(index) - secret.charCodeAt(index - 1)) <= 1) steps++;
	}
	return steps > secret.length / 2;
}

/** Returns the most random bits that a text of these characters can contain. */
function maxEntropyBits(secret: string): number {
	if (/^\d+$/.test(secret)) return Math.floor(secret.length * Math.log2(10));
	// Hexadecimal digits or UUIDs.
	if (/^[\da-f-]+$/i.test(secret)) return 4 * secret.replaceAll('-', '').length;
	return 6 * secret.replace(/=+$/, '').length;
}
