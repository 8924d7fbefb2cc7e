import { parseJsonRpc } from './absent-fields.ts';
import { invalidRequest, HttpRejection } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';

/** Levels of JSON: recursive code that walks a message later has a margin. */
const MAX_DEPTH = 128;

/**
 * Reads the JSON of a request, bounded in size and in depth.
 *
 * @throws {HttpRejection} 415 for another type, 413 for more bytes than `maxBytes`, 400 for JSON that is
 * malformed or too deep.
 */
export async function readMessage(
	request: Request,
	headers: CachedHeaders,
	maxBytes: number,
): Promise<unknown> {
	return parseMessage(await readText(request, headers, maxBytes));
}

/**
 * Reads the text of a request, bounded in size.
 *
 * @param rejection what a larger body is rejected with. Default: a 413.
 * @throws {HttpRejection} as `readMessage`, for type and size.
 */
export async function readText(
	request: Request,
	headers: CachedHeaders,
	maxBytes: number,
	rejection?: HttpRejection,
): Promise<string> {
	checkContentType(headers);
	const encoding = headers.get('content-encoding');
	const format = encoding === null ? undefined : compressionOf(encoding);
	const wasRead = request.bodyUsed;
	try {
		const length = headers.get('content-length') ?? '';
		const declared = DIGITS.test(length) ? Number(length) : undefined;
		if (declared !== undefined) checkBodyLength(declared, maxBytes, rejection);
		// HTTP servers enforce Content-Length. Without one, or if it counts compressed bytes, count the
		// bytes while reading.
		const text =
			declared === undefined || format
				? await readChunks(request, format, maxBytes, rejection)
				: await request.text();
		checkBodyLength(text.length, maxBytes, rejection);
		return text;
	} catch (error) {
		if (wasRead || error instanceof HttpRejection) throw error;
		// The client broke the connection, or compressed nothing: not an error of this server.
		throw invalidRequest(
			format ? `The body ended early or is invalid ${format}` : 'The body ended early',
		);
	}
}

const DIGITS = /^\d+$/;

type Compression = 'deflate' | 'gzip';

/** The codings that every runtime decodes, by their names in `Content-Encoding`. */
const COMPRESSIONS: Readonly<Record<string, Compression>> = {
	deflate: 'deflate',
	gzip: 'gzip',
	'x-gzip': 'gzip',
};

/** @throws {HttpRejection} 415 for a coding that the server does not decode. */
function compressionOf(encoding: string): Compression | undefined {
	const name = encoding.trim().toLowerCase();
	if (name === '' || name === 'identity') return undefined;
	const format = Object.hasOwn(COMPRESSIONS, name) ? COMPRESSIONS[name] : undefined;
	if (format) return format;
	const message = 'Content-Encoding must be gzip, deflate or identity; send the body uncompressed';
	const headers = { 'Accept-Encoding': 'gzip, deflate, identity' };
	throw new HttpRejection(415, -32600, message, { headers });
}

/**
 * Parses messages. Fields of the protocol that are null are absent.
 *
 * @throws {HttpRejection} 400 for JSON that is malformed or too deep.
 */
export function parseMessage(text: string): unknown {
	// Check before parsing, which depth makes slow. Each level takes two characters.
	if (text.length > 2 * MAX_DEPTH && isDeeperThan(MAX_DEPTH, text)) {
		throw invalidRequest(`The body is nested deeper than ${MAX_DEPTH} levels`);
	}
	try {
		return parseJsonRpc(text);
	} catch {
		throw new HttpRejection(400, -32700, 'Parse error: the body is invalid JSON');
	}
}

/** The media type only: any page may send `text/plain; x=application/json` (Fetch standard). */
const JSON_TYPE = /^\s*application\/json\s*(?:;|$)/i;

/** @throws {HttpRejection} 415 for another type than JSON. */
export function checkContentType(headers: CachedHeaders): void {
	if (JSON_TYPE.test(headers.get('content-type') ?? '')) return;
	throw invalidRequest('Content-Type must be application/json', 415);
}

async function readChunks(
	{ body }: Request,
	format: Compression | undefined,
	maxBytes: number,
	rejection: HttpRejection | undefined,
): Promise<string> {
	if (!body) return '';
	const chunks = format ? body.pipeThrough(new DecompressionStream(format)) : body;
	const decoder = new TextDecoder();
	let text = '';
	let bytes = 0;
	for await (const chunk of chunks) {
		bytes += chunk.byteLength;
		checkBodyLength(bytes, maxBytes, rejection);
		text += decoder.decode(chunk, { stream: true });
	}
	return text + decoder.decode();
}

/**
 * @param rejection what a larger body is rejected with.
 * @throws {HttpRejection} 413 if a body is too large.
 */
export function checkBodyLength(bytes: number, maxBytes: number, rejection?: HttpRejection): void {
	if (bytes <= maxBytes) return;
	throw rejection ?? invalidRequest(`The body is larger than ${maxBytes} bytes`, 413);
}

const QUOTE = 0x22;
const ESCAPE = 0x5c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
/** The bit in which a bracket differs from a brace. */
const BRACE_BIT = 0x20;

/** Counts the brackets outside of strings. */
function isDeeperThan(maxDepth: number, json: string): boolean {
	let depth = 0;
	let isText = false;
	for (let index = 0; index < json.length; index++) {
		const character = json.charCodeAt(index);
		if (isText && character === ESCAPE) index += 1;
		else if (character === QUOTE) isText = !isText;
		else if (!isText && (character | BRACE_BIT) === OPENING_BRACE) depth += 1;
		else if (!isText && (character | BRACE_BIT) === CLOSING_BRACE) depth -= 1;
		if (depth > maxDepth) return true;
	}
	return false;
}
