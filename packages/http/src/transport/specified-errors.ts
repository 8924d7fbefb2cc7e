import {
	errorResponse,
	idOf,
	isObject,
	metadataOf,
	methodOf,
	paramsOf,
} from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { LISTS } from '../validation/invalid-params.ts';

// tmcp 1.20 answers several mistakes of clients with other codes than the specification, or with a
// result (docs/upstream.md). This file translates its answers.

const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;
/** The code for an unknown resource until 2025-11-25; 2026-07-28 has -32602 (SEP-2164). */
const RESOURCE_NOT_FOUND = -32002;

const MAX_PAGES = 100;

/** The members of a server that tell which error is the right one. */
export interface QueriedServer {
	hasMethod(method: string): boolean;
	/** Resolves with false if there is no such tool. */
	validateToolCall(name: string, args: object, validator: () => void): Promise<unknown>;
}

/** Hands the server another request in the context of the current one. */
export type Query = (message: object) => unknown;

/**
 * Returns the response with the error of the specification, if tmcp has answered otherwise. Returns a
 * promise only if the server must be asked which error is the right one.
 *
 * @param isStateless whether the request is of 2026-07-28.
 */
export function withSpecifiedError(
	message: object,
	response: unknown,
	isStateless: boolean,
	server: QueriedServer,
	query: Query,
): unknown {
	if (!isObject(response)) return response;
	const { error, result } = response;
	const id = idOf(message) ?? null;
	const params = paramsOf(message);
	const method = methodOf(message) ?? '';
	switch (method) {
		case 'tools/call': {
			const { name } = params as { name?: unknown };
			if (!isFailure(result, `Tool ${String(name)} not found`)) return response;
			return unknownTool(String(name), id, response, server);
		}
		case 'resources/read': {
			const isUnknown = isError(error, INVALID_PARAMS, `Resource ${String(params.uri)} not found`);
			if (!isUnknown || isStateless) return response;
			const { uri } = params;
			return errorResponse(id, RESOURCE_NOT_FOUND, `Resource ${String(uri)} not found`, { uri });
		}
		case 'completion/complete':
			if (error !== undefined || (isObject(result) && 'completion' in result)) return response;
			return withoutCompletion(message, response, query);
		case 'initialize':
			if (!isObject(error) || error.code !== INTERNAL_ERROR) return response;
			return { ...response, error: { ...error, code: INVALID_PARAMS } };
		default: {
			const field = Object.hasOwn(LISTS, method) ? LISTS[method] : undefined;
			if (field === undefined || !('cursor' in params) || !isObject(result)) return response;
			const page = result[field];
			// tmcp reads an invalid cursor as the end of the list. No page that it announces is empty.
			if (!Array.isArray(page) || page.length > 0) return response;
			const text = 'Invalid params: the cursor is invalid or has expired; list again without it';
			return errorResponse(id, INVALID_PARAMS, text);
		}
	}
}

/** A tool may respond with the same text as tmcp: ask whether it exists. */
async function unknownTool(
	name: string,
	id: string | number | null,
	response: JsonObject,
	server: QueriedServer,
): Promise<JsonObject> {
	try {
		if ((await server.validateToolCall(name, {}, () => {})) !== false) return response;
	} catch {
		// The schema of an existing tool cannot be converted.
		return response;
	}
	return errorResponse(id, INVALID_PARAMS, `Unknown tool: ${name}`);
}

/** tmcp answers null both for an unknown reference and for one without completions. */
async function withoutCompletion(
	message: object,
	response: JsonObject,
	query: Query,
): Promise<JsonObject> {
	const { ref } = paramsOf(message) as { ref?: unknown };
	const { type, name, uri } = isObject(ref) ? ref : {};
	const listed = (method: string, key: string, value: unknown): Promise<boolean> =>
		isListed(message, query, method, key, value);
	const isKnown =
		type === 'ref/prompt'
			? await listed('prompts/list', 'name', name)
			: (await listed('resources/templates/list', 'uriTemplate', uri)) ||
				(await listed('resources/list', 'uri', uri));
	if (!isKnown) {
		const text = `Invalid params: unknown ${type === 'ref/prompt' ? 'prompt' : 'resource'} in ref`;
		return errorResponse(idOf(message) ?? null, INVALID_PARAMS, text);
	}
	const result = isObject(response.result) ? response.result : {};
	return { ...response, result: { ...result, completion: { values: [], hasMore: false } } };
}

async function isListed(
	message: object,
	query: Query,
	method: string,
	key: string,
	value: unknown,
): Promise<boolean> {
	const _meta = metadataOf(message);
	let cursor: unknown;
	for (let page = 0; page < MAX_PAGES; page++) {
		const params = { ...(_meta && { _meta }), ...(typeof cursor === 'string' && { cursor }) };
		const response = await query({ jsonrpc: '2.0', id: page, method, params });
		const result = isObject(response) ? response.result : undefined;
		const items = isObject(result) ? result[LISTS[method] ?? ''] : undefined;
		if (!isObject(result) || !Array.isArray(items)) return false;
		if (items.some((item) => isObject(item) && item[key] === value)) return true;
		cursor = result['nextCursor'];
		if (typeof cursor !== 'string') break;
	}
	return false;
}

/** Whether a result is the failure of a tool with exactly this text. */
function isFailure(result: unknown, text: string): boolean {
	if (!isObject(result) || result['isError'] !== true) return false;
	const content = result['content'];
	const [item] = Array.isArray(content) && content.length === 1 ? (content as unknown[]) : [];
	return isObject(item) && item['text'] === text;
}

function isError(error: unknown, code: number, text: string): boolean {
	if (!isObject(error) || error.code !== code) return false;
	const { message } = error as { message?: unknown };
	return typeof message === 'string' && message.endsWith(text);
}
