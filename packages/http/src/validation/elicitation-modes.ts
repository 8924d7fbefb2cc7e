import { isObject, metadataOf, paramsOf } from '../request/json-rpc.ts';

const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

/**
 * Declares the form mode for a client that declares elicitation without a mode, as before 2025-11-25.
 * tmcp 1.20 does so only if the capability has no other field, such as `applyDefaults` (docs/upstream.md).
 *
 * @param message a parsed message, which is changed: the client's object is used by this request only.
 */
export function declareFormMode(message: unknown): void {
	for (const capabilities of [
		paramsOf(message)['capabilities'],
		metadataOf(message)?.[CAPABILITIES],
	]) {
		const elicitation = isObject(capabilities) ? capabilities['elicitation'] : undefined;
		if (!isObject(elicitation) || 'form' in elicitation || 'url' in elicitation) continue;
		if (Object.keys(elicitation).length > 0) Object.assign(elicitation, { form: {} });
	}
}
