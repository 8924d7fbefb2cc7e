import { idOf, isObject, metadataOf, methodOf } from '../request/json-rpc.ts';
import { invalidParams } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';

const PREFIX = 'io.modelcontextprotocol/';
const VERSION = `${PREFIX}protocolVersion`;
const CAPABILITIES = `${PREFIX}clientCapabilities`;
/** Any of these makes a message stateless, as tmcp reads it. */
const KEYS = [VERSION, CAPABILITIES, `${PREFIX}clientInfo`, `${PREFIX}logLevel`];

/** The error code for a capability that the client did not declare, with a 400 in 2026-07-28. */
export const MISSING_CAPABILITY = -32021;

/** Whether the header names one of these stateless revisions. */
export function declaresStateless(headers: CachedHeaders, stateless: readonly string[]): boolean {
	const version = headers.get('mcp-protocol-version');
	return version !== null && stateless.includes(version);
}

/** Whether a message is stateless, by its header or by its metadata. */
export function isStateless(
	headers: CachedHeaders,
	message: unknown,
	stateless: readonly string[],
): boolean {
	if (declaresStateless(headers, stateless)) return true;
	const metadata = metadataOf(message);
	return metadata !== undefined && KEYS.some((key) => Object.hasOwn(metadata, key));
}

/**
 * Checks the metadata that 2026-07-28 requires of every request.
 *
 * @throws {HttpRejection} 400 with -32602 if a field is missing.
 */
export function checkStatelessRequest(message: unknown): void {
	if (methodOf(message) === undefined || idOf(message) === undefined) return;
	const metadata = metadataOf(message);
	if (!metadata) throw invalidParams('params._meta is missing');
	if (typeof metadata[VERSION] !== 'string') throw invalidParams(`_meta requires "${VERSION}"`);
	if (!isObject(metadata[CAPABILITIES])) throw invalidParams(`_meta requires "${CAPABILITIES}"`);
}
