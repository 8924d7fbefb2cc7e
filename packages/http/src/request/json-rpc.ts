/** The fields that are looked for, of messages and of what they hold. */
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

/** A JSON object: what its fields are is not known. */
export type JsonObject = Readonly<Record<string, unknown>> & {
	readonly [Field in KnownField]?: unknown;
};

/** A request of the server to its client. */
export type Question = JsonObject & { readonly id: string | number };

/** What a client says to a question. */
export type Answer = JsonObject & { readonly id: string | number };

/** Whether this is an object and no array. */
export function isObject(value: unknown): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The id of a message that has one of the right kind; a notification has none. */
export function idOf(message: unknown): string | number | undefined {
	const id = isObject(message) ? message.id : undefined;
	return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** The method of a request or a notification. */
export function methodOf(message: unknown): string | undefined {
	return isObject(message) && typeof message.method === 'string' ? message.method : undefined;
}

/** Whether this answers a question of the server. */
export function isClientResponse(message: unknown): message is Answer {
	return (
		isObject(message) &&
		methodOf(message) === undefined &&
		idOf(message) !== undefined &&
		'result' in message !== 'error' in message
	);
}

/** `params` of a message, empty where it has none. */
export function paramsOf(message: unknown): JsonObject {
	return isObject(message) && isObject(message.params) ? message.params : {};
}

/** `_meta` of a message, where it has one. */
export function metadataOf(message: unknown): JsonObject | undefined {
	const { _meta: metadata } = paramsOf(message);
	return isObject(metadata) ? metadata : undefined;
}

/** Whether this is what tmcp throws for a message that its schemas do not take. */
export function isMisshapen(error: unknown): boolean {
	return error instanceof Error && error.name === 'ValiError';
}
