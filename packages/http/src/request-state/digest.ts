import { toBase64Url } from '@tmcp-sessions/core/internal';

import { isObject } from '../request/json-rpc.ts';

/** What differs between a request and the same request sent again with its answers. */
const NOT_THE_REQUEST = ['_meta', 'inputResponses', 'requestState'];

/**
 * What is asked for, as a SHA-256 in base64url: of the method and the parameters, among them the
 * tool and its arguments. The order of keys makes no difference.
 *
 * @param message a JSON-RPC message, parsed.
 * @returns `undefined` where it is no request.
 */
export async function requestDigest(message: unknown): Promise<string | undefined> {
	if (!isObject(message) || typeof message['method'] !== 'string') return undefined;
	const { method, params } = message;
	const asked = isObject(params) ? without(params, NOT_THE_REQUEST) : params;
	const bytes = new TextEncoder().encode(canonicalJson([method, asked ?? {}]));
	return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/** One text for each JSON value, however its keys are ordered. It is built and never parsed. */
function canonicalJson(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
	if (!isObject(value)) return JSON.stringify(value) ?? 'null';
	const members = Object.keys(value)
		.toSorted()
		.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
	return `{${members.join(',')}}`;
}

function without(value: Record<string, unknown>, names: readonly string[]): object {
	return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
