import { checkIds, checkInitialize } from '../validation/messages.ts';
import { idOf, isClientResponse, isObject, methodOf } from '../request/json-rpc.ts';
import { invalidRequest } from '../request/http-rejection.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/**
 * Says which message a request has.
 *
 * @throws {HttpRejection} 400, for what is no message of the protocol.
 */
export function enterMessage(work: RequestContext, message: unknown): JsonObject {
	work.message = message;
	checkMessage(message);
	work.messageId = methodOf(message) === undefined ? undefined : idOf(message);
	return message;
}

function checkMessage(message: unknown): asserts message is JsonObject {
	if (!isObject(message)) throw invalidRequest('The body must be one JSON-RPC message');
	checkIds(message);
	const isMessage = methodOf(message) !== undefined || isClientResponse(message);
	const hasParams = message.params === undefined || isObject(message.params);
	if (message['jsonrpc'] !== '2.0' || !isMessage || !hasParams) {
		throw invalidRequest('The body must be a JSON-RPC 2.0 request, notification or response');
	}
	if (methodOf(message) === 'initialize') checkInitialize(message);
}
