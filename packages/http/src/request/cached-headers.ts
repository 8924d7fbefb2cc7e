import { invalidRequest } from './http-rejection.ts';
import { ForwardingProxy } from './forwarding-proxy.ts';

/** Characters of a header value: longer than any legitimate one. */
const MAX_LENGTH = 4_096;

/**
 * Caches the headers of one request. On workerd each lookup is a call out of JavaScript, and
 * validation and the transport make some twenty for each request.
 */
export class CachedHeaders extends ForwardingProxy<Pick<Headers, 'get'>> {
	#values = new Map<string, string | null>();

	/** @throws {HttpRejection} 431 if the value is longer than 4,096 characters. */
	get(name: string): string | null {
		// Hot path: most names are in lower case.
		const known = this.#values.get(name);
		if (known !== undefined) return known;
		const key = name.toLowerCase();
		const cached = this.#values.get(key);
		if (cached !== undefined) return cached;
		const value = unrepeated(key, this.standsFor.get(key));
		if (value !== null && value.length > MAX_LENGTH && !repeatsMessage(key)) {
			throw invalidRequest(`The header ${key} is longer than ${MAX_LENGTH} characters`, 431);
		}
		this.#values.set(key, value);
		return value;
	}

	/** Returns a value of any length, which `get` would reject. */
	getUnbounded(name: string): string | null {
		const cached = this.#values.get(name);
		return cached === undefined ? this.standsFor.get(name) : cached;
	}

	/** Returns the same headers with other values for some; null hides a header. */
	withValues(values: Readonly<Record<string, string | null>>): CachedHeaders {
		const headers = new CachedHeaders(this.standsFor);
		headers.#values = new Map([...this.#values, ...Object.entries(values)]);
		return headers;
	}
}

/** Headers with one value. A list in them comes from a proxy that repeated the header. */
const SINGLE: ReadonlySet<string> = new Set([
	'content-encoding',
	'content-length',
	'content-type',
	'last-event-id',
	'mcp-method',
	'mcp-name',
	'mcp-protocol-version',
	'mcp-session-id',
	'origin',
]);

/** Returns the value of a header that a proxy has sent several times, if all values are the same. */
function unrepeated(key: string, value: string | null): string | null {
	if (value === null || !value.includes(',') || !SINGLE.has(key)) return value;
	// Platforms join values with a comma and a space. A URI may contain a comma, but no space.
	const values = value.split(key === 'mcp-name' ? ', ' : /\s*,\s*/);
	return values.every((each) => each === values[0]) ? (values[0] ?? value) : value;
}

/** These headers repeat a part of the message, such as a resource's URI: the body limit applies. */
function repeatsMessage(key: string): boolean {
	return key === 'mcp-name' || key.startsWith('mcp-param-');
}
