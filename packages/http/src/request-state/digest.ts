import { hashText } from '@tmcp-sessions/core/backend';

import { isObject } from '../request/json-rpc.ts';

/** Params that differ if the same request is sent again with client responses. */
const OTHER_PARAMS = ['_meta', 'inputResponses', 'requestState'];

/**
 * Hashes the method and the params of a request, such as the tool and its arguments. The order of keys
 * makes no difference.
 *
 * @param message a JSON-RPC message, parsed.
 * @returns `undefined` if the message is not a request.
 */
export async function requestDigest(message: unknown): Promise<string | undefined> {
	if (!isObject(message) || typeof message['method'] !== 'string') return undefined;
	const { method, params } = message;
	const own = isObject(params) ? without(params, OTHER_PARAMS) : params;
	return hashText(canonicalJson([method, own ?? {}]));
}

/**
 * Serializes a JSON value with sorted keys. The text is hashed and never parsed. Values that a tool can
 * tell apart differ: JSON would write `1e999`, which is parsed as infinity, as `null`, and `-0` as `0`.
 */
function canonicalJson(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
	if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
	if (!isObject(value)) return JSON.stringify(value) ?? 'null';
	const members = Object.keys(value)
		.toSorted()
		.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
	return `{${members.join(',')}}`;
}

function without(value: Record<string, unknown>, names: readonly string[]): object {
	return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
