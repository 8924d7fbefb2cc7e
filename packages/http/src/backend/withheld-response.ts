import { isObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/** Withholds a response from the stream of a call, if no frame precedes it there. */
export function isWithheld(response: unknown, context: RequestContext): boolean {
	const { isListening, progress, responseType } = context;
	if (!isObject(response) || isListening) return false;
	if (responseType === 'sse' && progress.hasSentFrame) return false;
	progress.withhold(response);
	return true;
}
