import { InvalidSessionIdError } from '../errors.ts';

/**
 * A session id as it goes into a key or a URL: URI encoded, so that none of its characters means
 * anything there. `:`, `/`, `#`, `&`, `?`, `%` and spaces are escaped; `.` is not, so never let an
 * encoded id stand alone as a path segment.
 *
 * @param id whatever came from a client.
 * @param packageName the folder name of the package that asks, for the error.
 * @param maxIdBytes the `maxIdBytes` of its capabilities.
 * @throws {InvalidSessionIdError} where it is no string, empty, too long or no Unicode text.
 */
export function encodeSessionId(id: string, packageName: string, maxIdBytes: number): string {
	// From JavaScript anything can come in here.
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
		throw new InvalidSessionIdError(packageName, 'one with half of a surrogate pair');
	}
	if (encoded.length > maxIdBytes) {
		throw new InvalidSessionIdError(
			packageName,
			`one of ${encoded.length} bytes after URI encoding, where at most ${maxIdBytes} fit`,
		);
	}
	return encoded;
}
