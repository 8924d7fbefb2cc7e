import { HttpRejection } from '../request/http-rejection.ts';
import { isObject, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { HEADER_MISMATCH, statelessVersionOf } from './stateless-requests.ts';

/** A parameter of a tool whose value a header repeats. */
interface MirroredParameter {
	readonly header: string;
	readonly path: readonly string[];
}

const ANNOTATION = 'x-mcp-header';
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

/**
 * Checks the headers that repeat arguments of a call, for a call that does not reach the transport.
 *
 * @param schema of the tool's input.
 * @throws {HttpRejection} 400 with -32020 if a header is missing or differs from the message.
 */
export function checkParameterHeaders(
	{ headers, message }: RequestContext,
	schema: JsonObject,
): void {
	const { arguments: given } = paramsOf(message);
	for (const { header, path } of mirroredParameters(schema, [])) {
		const value = path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), given);
		const found = decoded(headers.get(header.toLowerCase()));
		const field = `arguments.${path.join('.')}`;
		if (value === undefined || value === null) {
			if (found !== null) throw mismatch(header, `stands for ${field}, which is missing`, field);
		} else {
			const text = typeof value === 'string' ? value : JSON.stringify(value);
			const isSame = typeof value === 'number' && found ? Number(found) === value : false;
			check(isSame ? text : found, text, header, field, false);
		}
	}
}

/** Annotations are reachable through properties only. */
function mirroredParameters(schema: unknown, path: readonly string[]): MirroredParameter[] {
	if (!isObject(schema)) return [];
	const name = schema[ANNOTATION];
	const own = typeof name === 'string' ? [{ header: `Mcp-Param-${name}`, path }] : [];
	const { properties } = schema as { properties?: unknown };
	const nested = Object.entries(isObject(properties) ? properties : {});
	return [...own, ...nested.flatMap(([key, child]) => mirroredParameters(child, [...path, key]))];
}

function check(
	found: string | null,
	expected: string,
	header: string,
	field: string,
	isOptional: boolean,
): void {
	if (found === expected || (found === null && isOptional)) return;
	throw mismatch(header, found === null ? 'is missing' : `differs from ${field}`, field);
}

function mismatch(header: string, problem: string, field: string): HttpRejection {
	const message = `Header mismatch: ${header} ${problem}; send the value of ${field}`;
	return new HttpRejection(400, HEADER_MISMATCH, message);
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
