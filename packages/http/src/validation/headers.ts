// A session object checks forwarded headers only: add each new name to `ROUTED_HEADERS` in
// `endpoint/routed-request.ts`.

import { invalidRequest, HttpRejection } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';
import type { ResponseType } from '../request/request-context.ts';
import { unsupportedVersion } from './stateless-requests.ts';

/**
 * The session-based revisions that a client may name: those that tmcp negotiates, and 2025-11-25,
 * whose clients name it whatever was negotiated. They do not differ on the wire.
 */
const SESSION_BASED: ReadonlySet<string> = new Set([
	'2025-11-25',
	'2025-06-18',
	'2025-03-26',
	'2024-11-05',
]);

/** The revision whose clients may send several messages at once. */
export const BATCH_REVISION = '2025-03-26';

/**
 * @param stateless the stateless revisions that the server supports.
 * @throws {HttpRejection} 400 for an unsupported `MCP-Protocol-Version`.
 */
export function checkProtocolVersion(headers: CachedHeaders, stateless: readonly string[]): void {
	const version = headers.get('mcp-protocol-version');
	if (version === null || SESSION_BASED.has(version)) return;
	const supported = [...stateless, ...SESSION_BASED];
	const message = `MCP-Protocol-Version must be one of ${supported.join(', ')}`;
	throw new HttpRejection(400, -32600, message, { data: { supported } });
}

/** Creates the rejection of a stateless request by a server that requires a session. */
export function sessionBasedOnly(headers: CachedHeaders): HttpRejection {
	return unsupportedVersion(
		[...SESSION_BASED],
		headers.get('mcp-protocol-version'),
		'this server requires a session; open one with initialize',
	);
}

/** Returns the revision that a client requests at `initialize`, if it is session-based. */
export function servedVersion(requested: unknown): string | undefined {
	return typeof requested === 'string' && SESSION_BASED.has(requested) ? requested : undefined;
}

/**
 * Returns the first of the offered formats that the client accepts.
 *
 * @throws {HttpRejection} 406 if the client accepts none of them.
 */
export function negotiateResponseType(
	headers: CachedHeaders,
	offered: readonly ResponseType[],
): ResponseType {
	const accept = headers.get('accept');
	if (accept === USUAL_ACCEPT && offered[0]) return offered[0];
	for (const type of offered) if (accept === null || accepts(accept, type)) return type;
	const names = offered.map((type) => MEDIA_TYPES[type]).join(' and ');
	throw invalidRequest(`Accept must allow ${names}`, 406);
}

/** The header of the official clients, which needs no parsing. */
const USUAL_ACCEPT = 'application/json, text/event-stream';

const MEDIA_TYPES: Readonly<Record<ResponseType, string>> = {
	json: 'application/json',
	sse: 'text/event-stream',
};

/** The most specific matching range decides, and `q=0` rejects (RFC 9110, 12.5.1). */
function accepts(accept: string, type: ResponseType): boolean {
	const name = MEDIA_TYPES[type];
	const qualities = new Map(accept.split(',').map(rangeOf));
	const quality =
		qualities.get(name) ?? qualities.get(name.replace(/\/.*/, '/*')) ?? qualities.get('*/*');
	return (quality ?? 0) !== 0;
}

function rangeOf(text: string): [range: string, quality: number] {
	const [range = ''] = text.split(';', 1);
	const quality = /;\s*q=([^;]*)/i.exec(text)?.[1] ?? 1;
	return [range.trim().toLowerCase(), Number(quality)];
}
