import { invalidRequest, Refusal } from './refusal.ts';
import type { RequestHeaders } from './request-headers.ts';

/** How deep JSON may be: what walks it later, by recursion, has room to spare. */
const MAX_DEPTH = 128;

/**
 * The JSON that a request carries, bounded in size and in depth.
 *
 * @throws {Refusal} 415 for another type, 413 for more bytes than `maxBytes`, 400 for what is no
 * JSON or too deep.
 */
export async function readMessage(
	request: Request,
	headers: RequestHeaders,
	maxBytes: number,
): Promise<unknown> {
	if (!isJson(headers.get('content-type'))) {
		throw invalidRequest('Content-Type must be application/json', 415);
	}
	const text = await readText(request, headers, maxBytes);
	let message: unknown;
	try {
		message = JSON.parse(text);
	} catch {
		throw new Refusal({ status: 400, code: -32700, message: 'Parse error: the body is no JSON' });
	}
	// Each level takes two characters: what is short cannot be deep.
	if (text.length > 2 * MAX_DEPTH && isDeeperThan(MAX_DEPTH, message)) {
		throw invalidRequest(`The body is nested deeper than ${MAX_DEPTH} levels`);
	}
	return message;
}

/** The type itself: a browser lets every page send `text/plain; x=application/json`. */
function isJson(contentType: string | null): boolean {
	const [type = ''] = contentType?.split(';', 1) ?? [];
	return type.trim().toLowerCase() === 'application/json';
}

async function readText(
	request: Request,
	headers: RequestHeaders,
	maxBytes: number,
): Promise<string> {
	const declared = headers.get('content-length');
	if (declared !== null) {
		// The platform holds a client to what it declares.
		if (Number(declared) > maxBytes) throw tooLarge(maxBytes);
		return request.text();
	}
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

function tooLarge(maxBytes: number): Refusal {
	return invalidRequest(`The body is larger than ${maxBytes} bytes`, 413);
}

/** Level by level, since recursion is what depth breaks. */
function isDeeperThan(depth: number, value: unknown): boolean {
	let level: unknown[] = [value];
	for (let count = 0; count <= depth; count++) {
		level = level.flatMap(childrenOf).filter((child) => typeof child === 'object');
		if (level.length === 0) return false;
	}
	return true;
}

function childrenOf(value: unknown): unknown[] {
	return typeof value === 'object' && value !== null ? Object.values(value) : [];
}
