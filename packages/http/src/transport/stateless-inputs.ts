import { invalidRequestState, openState, sealState } from '../request-state/default-sealing.ts';
import type { DefaultCodec } from '../request-state/default-sealing.ts';
import { errorResponse, idOf, isObject, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { withRootsRequests, withRootsResponses } from './request-roots.ts';

/** The methods that may require input. tmcp rejects a state with any other. */
const WITH_INPUT: ReadonlySet<string | undefined> = new Set([
	'prompts/get',
	'resources/read',
	'tools/call',
]);

/** Whether a stateless request continues one that required input. */
export function hasInput(message: object): boolean {
	const params = paramsOf(message);
	return params['inputResponses'] !== undefined || params['requestState'] !== undefined;
}

/** Whether the response to a stateless request requires input. */
export function requiresInput(response: unknown): response is JsonObject & { result: JsonObject } {
	const result = isObject(response) ? response.result : undefined;
	return isObject(result) && result['resultType'] === 'input_required';
}

/**
 * Hands the server a stateless request with its state opened.
 *
 * @param isTmcp whether the server is one of tmcp, which gets roots in the form that it reads.
 */
export async function receiveInput(
	message: object,
	{ defaultCodec, isTmcp }: { readonly defaultCodec: DefaultCodec; readonly isTmcp: boolean },
	receive: (message: object) => unknown,
): Promise<unknown> {
	const translated = isTmcp ? withRootsResponses(message) : message;
	const params = paramsOf(translated);
	const state = params['requestState'];
	const isState = typeof state === 'string' && WITH_INPUT.has(methodOf(message));
	const codec = isState ? defaultCodec('open') : undefined;
	if (!isState || !codec) return receive(translated);
	let requestState: string;
	try {
		requestState = await openState(codec, state);
	} catch (error) {
		return errorResponse(idOf(message) ?? null, -32602, invalidRequestState(error));
	}
	return receive({ ...translated, params: { ...params, requestState } });
}

/** Returns a response that requires input as its client gets it: with its state sealed. */
export async function sealedInput(
	response: JsonObject & { result: JsonObject },
	defaultCodec: DefaultCodec,
): Promise<JsonObject> {
	const result = withRootsRequests(response.result);
	const state = result['requestState'];
	const codec = typeof state === 'string' ? defaultCodec('seal') : undefined;
	if (typeof state !== 'string' || !codec) return { ...response, result };
	try {
		return { ...response, result: { ...result, requestState: await sealState(codec, state) } };
	} catch (error) {
		return errorResponse(idOf(response) ?? null, -32603, invalidRequestState(error));
	}
}
