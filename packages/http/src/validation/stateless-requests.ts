import { getPerRequestProtocolVersions } from 'tmcp';

import { idOf, isObject, metadataOf, methodOf } from '../request/json-rpc.ts';
import { HttpRejection } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';

const PREFIX = 'io.modelcontextprotocol/';
const VERSION = `${PREFIX}protocolVersion`;
const CAPABILITIES = `${PREFIX}clientCapabilities`;
/** Any of these makes a message one of the stateless era, as tmcp reads it. */
const KEYS = [VERSION, CAPABILITIES, `${PREFIX}clientInfo`, `${PREFIX}logLevel`];

/** A capability that the client did not declare: the revision of 2026-07-28 answers it with a 400. */
export const MISSING_CAPABILITY = -32021;

/** Whether the header names a revision of the stateless era. */
export function declaresStateless(headers: CachedHeaders): boolean {
	const version = headers.get('mcp-protocol-version');
	return version !== null && getPerRequestProtocolVersions().includes(version);
}

/** Whether a message belongs to the stateless era: by its header, or by what it says of itself. */
export function isStateless(headers: CachedHeaders, message: unknown): boolean {
	if (declaresStateless(headers)) return true;
	const metadata = metadataOf(message);
	return metadata !== undefined && KEYS.some((key) => Object.hasOwn(metadata, key));
}

/**
 * What each request of the stateless era must say of itself.
 *
 * @throws {HttpRejection} 400 with -32602, where it does not.
 */
export function checkStatelessRequest(message: unknown): void {
	if (methodOf(message) === undefined || idOf(message) === undefined) return;
	const metadata = metadataOf(message);
	if (!metadata) throw invalidParams('params._meta is missing');
	if (typeof metadata[VERSION] !== 'string') throw invalidParams(`_meta needs "${VERSION}"`);
	if (!isObject(metadata[CAPABILITIES])) throw invalidParams(`_meta needs "${CAPABILITIES}"`);
}

function invalidParams(message: string): HttpRejection {
	return new HttpRejection({ status: 400, code: -32602, message: `Invalid params: ${message}` });
}
