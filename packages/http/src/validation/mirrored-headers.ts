import { HttpRejection } from '../request/http-rejection.ts';
import { methodOf } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { HEADER_MISMATCH, statelessVersionOf } from './stateless-requests.ts';

const ENCODED = /^=\?base64\?(?<text>.*)\?=$/;

/**
 * Checks the headers that repeat the method and the name of a stateless request, for a message that
 * does not reach the transport, which checks those of all others.
 *
 * @param field the field of `params` that `Mcp-Name` repeats.
 * @throws {HttpRejection} 400 with -32020 if a header is missing or differs from the message.
 */
export function checkMirroredHeaders(
	{ headers, message }: RequestContext,
	field: string,
	name: string,
): void {
	// A server of this era alone accepts clients that send the headers of another one.
	const version = statelessVersionOf(message);
	const isOptional = version !== undefined && headers.get('mcp-protocol-version') !== version;
	check(headers.get('mcp-method'), methodOf(message) ?? '', 'Mcp-Method', 'method', isOptional);
	check(decoded(headers.get('mcp-name')), name, 'Mcp-Name', `params.${field}`, isOptional);
}

function check(
	found: string | null,
	expected: string,
	header: string,
	field: string,
	isOptional: boolean,
): void {
	if (found === expected || (found === null && isOptional)) return;
	const problem = found === null ? 'is missing' : `differs from ${field}`;
	throw new HttpRejection(
		400,
		HEADER_MISMATCH,
		`Header mismatch: ${header} ${problem}; send the value of ${field}`,
	);
}

function decoded(value: string | null): string | null {
	const encoded = value === null ? undefined : ENCODED.exec(value)?.groups?.['text'];
	if (encoded === undefined) return value;
	try {
		const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		return value;
	}
}
