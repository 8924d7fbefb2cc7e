import { errorResponse, idOf, isObject, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';

const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;

/** The lists by the field of their items. */
export const LISTS: Readonly<Record<string, string>> = {
	'prompts/list': 'prompts',
	'resources/list': 'resources',
	'resources/templates/list': 'resourceTemplates',
	'tools/list': 'tools',
};

/** What tells whether a server has a method. */
interface MethodServer {
	hasMethod(method: string): boolean;
}

/**
 * Returns the response to a message that no server must get: tmcp 1.20 would read properties of missing
 * params, or answer a notification with `result: null`; the official SDK 2.4 answers invalid params with
 * -32603. It is null for a message without an id.
 *
 * @returns undefined for every other message.
 */
export function invalidRequestError(
	message: object,
	server: MethodServer,
): JsonObject | null | undefined {
	const method = methodOf(message) ?? '';
	const id = idOf(message);
	if (method.startsWith('notifications/')) {
		if (id === undefined) return undefined;
		const text = `Method ${method} not found: it is a notification, send it without an id`;
		return errorResponse(id, METHOD_NOT_FOUND, text);
	}
	const expected = invalidParamsOf(method, paramsOf(message));
	if (expected === undefined || !server.hasMethod(method)) return undefined;
	return id === undefined ? null : errorResponse(id, INVALID_PARAMS, `Invalid params: ${expected}`);
}

/** Returns what a method requires, if the params do not have it. */
function invalidParamsOf(method: string, params: JsonObject): string | undefined {
	switch (method) {
		case 'prompts/get':
		case 'tools/call':
			if (typeof params['name'] !== 'string') return `${method} requires a name, which is a string`;
			return isOptionalObject(params['arguments']) ? undefined : 'arguments must be an object';
		case 'resources/read':
			return typeof params.uri === 'string'
				? undefined
				: 'resources/read requires a uri, which is a string';
		case 'completion/complete':
			return isCompletable(params)
				? undefined
				: 'completion/complete requires a ref of a prompt (type ref/prompt and name) or a resource ' +
						'(type ref/resource and uri), and an argument with name and value';
		default: {
			const { cursor } = params as { cursor?: unknown };
			const isValid =
				!Object.hasOwn(LISTS, method) || cursor === undefined || typeof cursor === 'string';
			return isValid ? undefined : 'cursor must be a string that an earlier page returned';
		}
	}
}

function isCompletable({ ref, argument, context }: JsonObject): boolean {
	if (!isObject(ref) || !isObject(argument) || !isOptionalObject(context)) return false;
	const target =
		ref['type'] === 'ref/prompt'
			? ref['name']
			: ref['type'] === 'ref/resource'
				? ref.uri
				: undefined;
	const texts = [target, argument['name'], argument['value']];
	return texts.every((text) => typeof text === 'string');
}

function isOptionalObject(value: unknown): boolean {
	return value === undefined || isObject(value);
}
