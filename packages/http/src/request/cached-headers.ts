import { invalidRequest } from './http-rejection.ts';
import { ForwardingProxy } from '../transport/forwarding-proxy.ts';

/** Longer than any honest value, in characters. */
const MAX_LENGTH = 4_096;

/**
 * The headers of one request, each looked up once: on workerd a look is a call out of JavaScript,
 * and between them the rules and the transport take some twenty.
 */
export class CachedHeaders extends ForwardingProxy<Headers> {
	readonly #known = new Map<string, string | null>();

	/** @throws {HttpRejection} 431, where a value is longer than it can honestly be. */
	get(name: string): string | null {
		const key = name.toLowerCase();
		const known = this.#known.get(key);
		if (known !== undefined) return known;
		const value = this.standsFor.get(key);
		if (value !== null && value.length > MAX_LENGTH && !isContent(key)) {
			throw invalidRequest(`The header ${key} is longer than ${MAX_LENGTH} characters`, 431);
		}
		this.#known.set(key, value);
		return value;
	}

	/** Changes a header for whoever asks later; null hides it. */
	set(name: string, value: string | null): void {
		this.#known.set(name.toLowerCase(), value);
	}

	/** All headers, with `get` as above. */
	asHeaders(): Headers {
		// Sound: what is not here is forwarded.
		return this as unknown as Headers;
	}
}

/** What repeats a part of the message, such as a resource's uri: it has the limit of the body. */
function isContent(key: string): boolean {
	return key === 'mcp-name' || key.startsWith('mcp-param-');
}
