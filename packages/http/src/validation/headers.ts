import { getPerRequestProtocolVersions, UNSUPPORTED_PROTOCOL_VERSION } from 'tmcp';

import { invalidRequest, HttpRejection } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';

/**
 * The revisions of the session era that a client may name: those that tmcp negotiates, and
 * 2025-11-25, whose clients name it whatever was negotiated. On the wire they are alike.
 */
const SESSION_ERA: ReadonlySet<string> = new Set([
	'2025-11-25',
	'2025-06-18',
	'2025-03-26',
	'2024-11-05',
]);

/** @throws {HttpRejection} 400, for an `MCP-Protocol-Version` that is not served here. */
export function checkProtocolVersion(headers: CachedHeaders): void {
	const version = headers.get('mcp-protocol-version');
	if (version === null || SESSION_ERA.has(version)) return;
	const supported = [...getPerRequestProtocolVersions(), ...SESSION_ERA];
	throw new HttpRejection({
		status: 400,
		code: -32600,
		message: `MCP-Protocol-Version must be one of ${supported.join(', ')}`,
		data: { supported },
	});
}

/** What a request of the stateless era is told where everything needs a session. */
export function sessionBasedOnly(headers: CachedHeaders): HttpRejection {
	return new HttpRejection({
		status: 400,
		code: UNSUPPORTED_PROTOCOL_VERSION,
		message: 'Unsupported protocol version: this server needs a session; open one with initialize',
		data: { supported: [...SESSION_ERA], requested: headers.get('mcp-protocol-version') },
	});
}

/** The revision that a client asks for at `initialize`, where it is one of the session era. */
export function servedVersion(requested: unknown): string | undefined {
	return typeof requested === 'string' && SESSION_ERA.has(requested) ? requested : undefined;
}

/** How a request wants its answer. */
export type ResponseType = 'json' | 'sse';

/**
 * As an event stream wherever the client takes one.
 *
 * @param offered what can be answered with.
 * @throws {HttpRejection} 406, where the client takes none of it.
 */
export function negotiateResponseType(
	headers: CachedHeaders,
	offered: readonly ResponseType[],
): ResponseType {
	const accept = headers.get('accept');
	if (accept === USUAL && offered[0]) return offered[0];
	for (const type of offered) if (accept === null || accepts(accept, type)) return type;
	const names = offered.map((type) => MEDIA_TYPES[type]).join(' and ');
	throw invalidRequest(`Accept must allow ${names}`, 406);
}

/** What the official clients send: it needs no reading. */
const USUAL = 'application/json, text/event-stream';

const MEDIA_TYPES: Readonly<Record<ResponseType, string>> = {
	json: 'application/json',
	sse: 'text/event-stream',
};

/** The closest of the ranges that fit decides, as RFC 9110 (12.5.1) has it: `q=0` says no. */
function accepts(accept: string, type: ResponseType): boolean {
	const name = MEDIA_TYPES[type];
	const qualities = new Map(accept.split(',').map(rangeOf));
	const quality =
		qualities.get(name) ?? qualities.get(name.replace(/\/.*/, '/*')) ?? qualities.get('*/*');
	return quality !== undefined && quality !== 0;
}

function rangeOf(text: string): [range: string, quality: number] {
	const [range = '', ...parameters] = text.toLowerCase().split(';');
	const quality = parameters.map((each) => each.trim()).find((each) => each.startsWith('q='));
	return [range.trim(), quality === undefined ? 1 : Number(quality.slice(2))];
}
