import { InvalidSessionIdError } from '../errors.ts';

/**
 * Encodes a session id for a key or a URL. URI encoding escapes `:`, `/`, `#`, `&`, `?`, `%` and
 * spaces. It does not escape `.`, so an encoded id must not be a path segment on its own.
 *
 * @param id untrusted.
 * @param packageName the folder name of the calling package, for the error.
 * @param maxIdBytes the `maxIdBytes` of the backend's capabilities.
 * @throws {InvalidSessionIdError} if it is not a string, empty, too long or not valid Unicode.
 */
export function encodeSessionId(id: string, packageName: string, maxIdBytes: number): string {
	// JavaScript callers can pass any value.
	const given: unknown = id;
	if (typeof given !== 'string') {
		throw new InvalidSessionIdError(
			packageName,
			given === null ? 'null' : `a value of type ${typeof given}`,
		);
	}
	if (given === '') throw new InvalidSessionIdError(packageName, 'an empty one');
	let encoded: string;
	try {
		encoded = encodeURIComponent(given);
	} catch {
		throw new InvalidSessionIdError(packageName, 'one with an unpaired surrogate');
	}
	if (encoded.length > maxIdBytes) {
		throw new InvalidSessionIdError(
			packageName,
			`one of ${encoded.length} bytes after URI encoding (at most ${maxIdBytes})`,
		);
	}
	return encoded;
}
