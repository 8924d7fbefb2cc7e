import { invalidRequestState, openState, sealState } from '../request-state/default-sealing.ts';
import type { DefaultCodec, SealedStates } from '../request-state/default-sealing.ts';
import { errorResponse, idOf, isObject, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';

/** The methods that may require input. tmcp rejects a state with any other. */
const WITH_INPUT: ReadonlySet<string | undefined> = new Set([
	'prompts/get',
	'resources/read',
	'tools/call',
]);

/** How the request states of a server are sealed. */
export interface StateSealing {
	readonly defaultCodec: DefaultCodec;
	readonly states: SealedStates;
}

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

/** Returns a stateless request with its state opened, or the error for an invalid one. */
export async function openedInput<Message extends object>(
	message: Message,
	{ defaultCodec, states }: StateSealing,
): Promise<{ readonly message: Message } | { readonly rejection: JsonObject }> {
	const params = paramsOf(message);
	const state = params['requestState'];
	const isState = typeof state === 'string' && WITH_INPUT.has(methodOf(message));
	const codec = isState ? defaultCodec('open') : undefined;
	if (!isState || !codec) return { message };
	try {
		const requestState = await openState(codec, state, states);
		return { message: { ...message, params: { ...params, requestState } } };
	} catch (error) {
		return {
			rejection: errorResponse(idOf(message) ?? null, -32602, invalidRequestState(error)),
		};
	}
}

/** Returns a response that requires input as its client gets it: with its state sealed. */
export async function sealedInput(
	response: JsonObject & { result: JsonObject },
	{ defaultCodec, states }: StateSealing,
): Promise<JsonObject> {
	const { result } = response;
	const state = result['requestState'];
	const codec = typeof state === 'string' ? defaultCodec('seal') : undefined;
	if (typeof state !== 'string' || !codec) return response;
	try {
		const requestState = await sealState(codec, state, states);
		return { ...response, result: { ...result, requestState } };
	} catch (error) {
		return errorResponse(idOf(response) ?? null, -32603, invalidRequestState(error));
	}
}
