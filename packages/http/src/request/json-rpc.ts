/** Fields that are read of messages and of their parts. */
type KnownField =
	| 'code'
	| 'error'
	| 'id'
	| 'level'
	| 'method'
	| 'params'
	| 'request'
	| 'requestId'
	| 'result'
	| 'uri';

/** A JSON object whose fields are of unknown types. */
export type JsonObject = Readonly<Record<string, unknown>> & {
	readonly [Field in KnownField]?: unknown;
};

/** A request of the server to its client, such as an elicitation. */
export type ServerRequest = JsonObject & { readonly id: string | number };

/** The response of a client to a server request. */
export type ClientResponse = JsonObject & { readonly id: string | number };

/** Whether a value is an object and not an array. */
export function isObject(value: unknown): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the id of a message, if it is a string or a number. Notifications have none. */
export function idOf(message: unknown): string | number | undefined {
	const id = isObject(message) ? message.id : undefined;
	return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** Returns the method of a request or a notification. */
export function methodOf(message: unknown): string | undefined {
	return isObject(message) && typeof message.method === 'string' ? message.method : undefined;
}

/** Returns the id of a request; undefined for notifications and responses. */
export function requestIdOf(message: unknown): string | number | undefined {
	return methodOf(message) === undefined ? undefined : idOf(message);
}

/**
 * Returns the id of a request in an unparsed body, for an error that concerns it. Other bodies, such as
 * batches, have none.
 */
export function requestIdIn(body: string | undefined): string | number | undefined {
	try {
		return body === undefined ? undefined : requestIdOf(JSON.parse(body));
	} catch {
		return undefined;
	}
}

/** Characters of an id: longer than any legitimate one. */
export const MAX_ID_LENGTH = 1_024;

/** Whether a value is an id that is parsed without loss, and not too long to be sent back. */
export function isValidId(id: unknown): id is string | number {
	return Number.isSafeInteger(id) || (typeof id === 'string' && id.length <= MAX_ID_LENGTH);
}

/** Returns the id that an error of a message echoes: that of any message but a response, if it is valid. */
export function echoedIdOf(message: unknown): string | number | undefined {
	if (!isObject(message) || 'result' in message || 'error' in message) return undefined;
	return isValidId(message.id) ? message.id : undefined;
}

/** Whether a message is the response to a server request. */
export function isClientResponse(message: unknown): message is ClientResponse {
	return (
		isObject(message) &&
		methodOf(message) === undefined &&
		idOf(message) !== undefined &&
		'result' in message !== 'error' in message
	);
}

/** Creates the response to a request that failed. */
export function errorResponse<Id extends string | number | null>(
	id: Id,
	code: number,
	message: string,
	data?: unknown,
): JsonObject & { readonly id: Id } {
	const error = { code, message, ...(data !== undefined && { data }) };
	return { jsonrpc: '2.0', id, error };
}

/** Whether a message is the notification that cancels a request. */
export function isCancellation(message: unknown): message is JsonObject {
	return methodOf(message) === 'notifications/cancelled' && idOf(message) === undefined;
}

/** Returns `params` of a message; empty if it has none. */
export function paramsOf(message: unknown): JsonObject {
	return isObject(message) && isObject(message.params) ? message.params : {};
}

/** Returns `_meta` of a message's params, if there is one. */
export function metadataOf(message: unknown): JsonObject | undefined {
	const { _meta: metadata } = paramsOf(message);
	return isObject(metadata) ? metadata : undefined;
}

/** Whether tmcp threw this because its schemas reject a message. */
export function isSchemaError(error: unknown): boolean {
	return error instanceof Error && error.name === 'ValiError';
}
