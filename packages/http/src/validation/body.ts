import { invalidRequest, HttpRejection } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';

/** How deep JSON may be: what walks it later, by recursion, has room to spare. */
const MAX_DEPTH = 128;

/**
 * The JSON that a request carries, bounded in size and in depth.
 *
 * @throws {HttpRejection} 415 for another type, 413 for more bytes than `maxBytes`, 400 for what is no
 * JSON or too deep.
 */
export async function readMessage(
	request: Request,
	headers: CachedHeaders,
	maxBytes: number,
): Promise<unknown> {
	return parseMessage(await readText(request, headers, maxBytes));
}

/**
 * The text that a request carries, bounded in size.
 *
 * @throws {HttpRejection} as `readMessage`, for type and size.
 */
export async function readText(
	request: Request,
	headers: CachedHeaders,
	maxBytes: number,
): Promise<string> {
	if (!isJson(headers.get('content-type'))) {
		throw invalidRequest('Content-Type must be application/json', 415);
	}
	const wasRead = request.bodyUsed;
	try {
		const declared = Number(headers.get('content-length') ?? Number.NaN);
		if (declared > maxBytes) throw tooLarge(maxBytes);
		// A server holds its client to what it declares; a request that was made here may lie.
		const text = declared >= 0 ? await request.text() : await readChunks(request, maxBytes);
		if (text.length > maxBytes) throw tooLarge(maxBytes);
		return text;
	} catch (error) {
		// Its client knows already, and nothing is wrong here.
		if (!wasRead && !(error instanceof HttpRejection)) throw invalidRequest('The body broke off');
		throw error;
	}
}

/** @throws {HttpRejection} 400 for what is no JSON or too deep. */
export function parseMessage(text: string): unknown {
	// Before it is parsed, which depth makes slow. Each level takes two characters.
	if (text.length > 2 * MAX_DEPTH && isDeeperThan(MAX_DEPTH, text)) {
		throw invalidRequest(`The body is nested deeper than ${MAX_DEPTH} levels`);
	}
	try {
		return JSON.parse(text);
	} catch {
		throw new HttpRejection({
			status: 400,
			code: -32700,
			message: 'Parse error: the body is no JSON',
		});
	}
}

const JSON_TYPE = 'application/json';

/** The type itself: a browser lets every page send `text/plain; x=application/json`. */
function isJson(contentType: string | null): boolean {
	if (contentType === JSON_TYPE) return true;
	const [type = ''] = contentType?.split(';', 1) ?? [];
	return type.trim().toLowerCase() === JSON_TYPE;
}

async function readChunks(request: Request, maxBytes: number): Promise<string> {
	if (!request.body) return '';
	const decoder = new TextDecoder();
	let text = '';
	let bytes = 0;
	for await (const chunk of request.body) {
		bytes += chunk.byteLength;
		if (bytes > maxBytes) throw tooLarge(maxBytes);
		text += decoder.decode(chunk, { stream: true });
	}
	return text + decoder.decode();
}

function tooLarge(maxBytes: number): HttpRejection {
	return invalidRequest(`The body is larger than ${maxBytes} bytes`, 413);
}

const [QUOTE, ESCAPE] = [0x22, 0x5c];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Counts brackets outside of strings. */
function isDeeperThan(maxDepth: number, json: string): boolean {
	let depth = 0;
	let isText = false;
	for (let index = 0; index < json.length; index++) {
		const character = json.charCodeAt(index);
		if (isText && character === ESCAPE) index += 1;
		else if (character === QUOTE) isText = !isText;
		else if (!isText && OPENING.has(character)) depth += 1;
		else if (!isText && CLOSING.has(character)) depth -= 1;
		if (depth > maxDepth) return true;
	}
	return false;
}
