import { TmcpSessionsError } from '../errors.ts';

const MIN_LENGTH = 32;
const MAKE_ONE = 'Make one with: openssl rand -base64 32';

/** Secrets as a variable holds them: between spaces or commas. One that is not set is `undefined`. */
export function parseSecrets(texts: readonly (string | undefined)[]): string[] {
	return texts.flatMap((text) => text?.split(/[\s,]+/) ?? []).filter((secret) => secret !== '');
}

/**
 * @param purpose what needs them, as "session ids need keys".
 * @throws {TmcpSessionsError} `configuration`, where there is none or one has under 32 characters.
 */
export function checkSecrets(
	secrets: readonly string[],
	packageName: string,
	purpose: string,
): void {
	const shortest = Math.min(...secrets.map(({ length }) => length));
	if (secrets.length > 0 && shortest >= MIN_LENGTH) return;
	const found = secrets.length === 0 ? 'none' : `one of ${shortest}`;
	throw secretError(packageName, `${purpose} of at least ${MIN_LENGTH} characters; found ${found}`);
}

/** The error of a deployment whose secrets are none, which says how to make one. */
export function secretError(packageName: string, message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', packageName, `${message}. ${MAKE_ONE}`);
}
