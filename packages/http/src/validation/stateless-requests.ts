import { idOf, isObject, metadataOf, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { HttpRejection, invalidParams } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';

const PREFIX = 'io.modelcontextprotocol/';
const VERSION = `${PREFIX}protocolVersion`;
/** The keys of `_meta` that stand for the metadata of a session. */
export const CLIENT_CAPABILITIES_KEY: string = `${PREFIX}clientCapabilities`;
export const CLIENT_INFO_KEY: string = `${PREFIX}clientInfo`;
export const LOG_LEVEL_KEY: string = `${PREFIX}logLevel`;
/** Any of these makes a message stateless, as tmcp reads it. */
const KEYS = [VERSION, CLIENT_CAPABILITIES_KEY, CLIENT_INFO_KEY, LOG_LEVEL_KEY];

/** The error code for a header that differs from the message, with a 400 in 2026-07-28. */
export const HEADER_MISMATCH = -32020;
/** The error code of 2026-07-28 for a revision that the server does not support. */
const UNSUPPORTED_PROTOCOL_VERSION = -32022;
/** The error code for a capability that the client did not declare, with a 400 in 2026-07-28. */
export const MISSING_CAPABILITY = -32021;

/** Whether the header names one of these stateless revisions. */
export function declaresStateless(headers: CachedHeaders, stateless: readonly string[]): boolean {
	const version = headers.get('mcp-protocol-version');
	return version !== null && stateless.includes(version);
}

/** Whether a message is stateless by its metadata. */
function hasStatelessMetadata(message: unknown): boolean {
	const metadata = metadataOf(message);
	return metadata !== undefined && KEYS.some((key) => Object.hasOwn(metadata, key));
}

/** Whether a message is stateless, by its header or by its metadata. */
export function isStateless(
	headers: CachedHeaders,
	message: unknown,
	stateless: readonly string[],
): boolean {
	return declaresStateless(headers, stateless) || hasStatelessMetadata(message);
}

/** Returns a message without what makes it stateless, for a server that serves sessions only. */
export function withoutStatelessMetadata(message: JsonObject): JsonObject {
	if (!hasStatelessMetadata(message)) return message;
	const metadata = Object.entries(metadataOf(message) ?? {}).filter(([key]) => !KEYS.includes(key));
	const params = { ...paramsOf(message), _meta: Object.fromEntries(metadata) };
	return { ...message, params };
}

/** Returns the revision that the metadata of a message names. */
export function statelessVersionOf(message: unknown): string | undefined {
	const version = metadataOf(message)?.[VERSION];
	return typeof version === 'string' ? version : undefined;
}

/**
 * Checks the metadata that 2026-07-28 requires of every request.
 *
 * @throws {HttpRejection} 400 with -32602 if a field is missing, 431 if `Mcp-Method` is too long.
 */
export function checkStatelessRequest(headers: CachedHeaders, message: unknown): void {
	// The transport reads it too, but would answer the rejection with an internal error.
	headers.get('mcp-method');
	if (methodOf(message) === undefined || idOf(message) === undefined) return;
	const metadata = metadataOf(message);
	if (!metadata) throw invalidParams('params._meta is missing');
	if (typeof metadata[VERSION] !== 'string') throw invalidParams(`_meta requires "${VERSION}"`);
	if (!isObject(metadata[CLIENT_CAPABILITIES_KEY])) {
		throw invalidParams(`_meta requires "${CLIENT_CAPABILITIES_KEY}"`);
	}
}

/**
 * Checks that header and message name the same stateless revision. In the object of a session they never
 * do: it gets the requests whose header names a session-based revision.
 *
 * @throws {HttpRejection} 400 with -32020 if they differ, with -32022 if the revision is unsupported.
 */
export function checkStatelessVersion(
	headers: CachedHeaders,
	message: unknown,
	stateless: readonly string[],
): void {
	const version = statelessVersionOf(message);
	// Without a method it is a client response, which the server rejects in this era.
	if (version === undefined || methodOf(message) === undefined) return;
	if (headers.get('mcp-protocol-version') !== version) {
		const reason = `must be the same as "${VERSION}" in _meta`;
		throw new HttpRejection(
			400,
			HEADER_MISMATCH,
			`Header mismatch: MCP-Protocol-Version ${reason}; send a session-based message without it`,
		);
	}
	if (!stateless.includes(version)) throw unsupportedVersion(stateless, version);
}

/** Creates the rejection of a revision that the server does not serve. */
export function unsupportedVersion(
	supported: readonly string[],
	requested: string | null,
	reason = `this server serves ${supported.join(', ')}`,
): HttpRejection {
	return new HttpRejection(
		400,
		UNSUPPORTED_PROTOCOL_VERSION,
		`Unsupported protocol version: ${reason}`,
		{ data: { supported, requested } },
	);
}
