import { TmcpSessionsError } from '../errors.ts';

const MIN_LENGTH = 32;
const MAKE_ONE = 'Make one with: openssl rand -base64 32';

/** Parses secrets of variables, separated by spaces or commas. Unset variables are skipped. */
export function parseSecrets(texts: readonly (string | undefined)[]): string[] {
	return texts.flatMap((text) => text?.split(/[\s,]+/) ?? []).filter((secret) => secret !== '');
}

/**
 * Checks the number and the length of secrets.
 *
 * @param purpose what needs them: "session ids need keys".
 * @throws {TmcpSessionsError} `configuration`, if there are none or one is shorter than 32 characters.
 */
export function checkSecrets(
	secrets: readonly string[],
	packageName: string,
	purpose: string,
): void {
	const shortest = Math.min(...secrets.map(({ length }) => length));
	if (secrets.length > 0 && shortest >= MIN_LENGTH) return;
	const found = secrets.length === 0 ? 'none' : `one of ${shortest}`;
	throw secretError(packageName, `${purpose} of at least ${MIN_LENGTH} characters; got ${found}`);
}

/** Creates the error for missing or weak secrets, with a command that generates one. */
export function secretError(packageName: string, message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', packageName, `${message}. ${MAKE_ONE}`);
}
