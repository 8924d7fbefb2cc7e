import { invalidRequest } from '../request/http-rejection.ts';
import { isClientResponse, isObject, methodOf, requestIdOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { checkIdentifiers } from '../validation/identifiers.ts';
import { checkIds, checkInitialize } from '../validation/messages.ts';

/** A checked message, with its id if it is a request. */
export interface ReceivedMessage {
	readonly message: JsonObject;
	readonly messageId: string | number | undefined;
}

/**
 * Checks a message. The SSE transport accepts it with a 202, so that its own checks come too late.
 *
 * @throws {HttpRejection} 400 for an invalid message.
 */
export function receiveMessage(message: unknown): ReceivedMessage {
	if (!isObject(message)) throw invalidRequest('The body must be one JSON-RPC message');
	checkIds(message);
	const isMessage = methodOf(message) !== undefined || isClientResponse(message);
	const hasParams = message.params === undefined || isObject(message.params);
	if (message['jsonrpc'] !== '2.0' || !isMessage || !hasParams) {
		throw invalidRequest('The body must be a JSON-RPC 2.0 request, notification or response');
	}
	checkIdentifiers(message);
	if (methodOf(message) === 'initialize') checkInitialize(message);
	return { message, messageId: requestIdOf(message) };
}
