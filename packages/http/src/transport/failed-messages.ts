import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';

import { currentContext } from '../request/request-context.ts';

/** How json-rpc-2.0 1.7 reports a message that failed, with the error as the second argument. */
const REPORT = /^An unexpected error occurred while executing "(.*)" JSON-RPC method:$/s;
/** Characters of a method, of a reason and of an error: one of tmcp may contain its whole message. */
const MAX_METHOD_LENGTH = 64;
const MAX_REASON_LENGTH = 512;
const MAX_LENGTH = 2_048;

/**
 * Reported if the server or a tool rejects a message. Its client gets the reason as a JSON-RPC error.
 * The cause is missing if it is too long for a log.
 */
class MessageError extends TmcpSessionsError {
	override readonly name = 'MessageError';
	constructor(method: string, cause: unknown) {
		const reason = reasonOf(cause).slice(0, MAX_REASON_LENGTH);
		const options = isShort(cause) ? { cause } : {};
		super('message', 'http', `${method.slice(0, MAX_METHOD_LENGTH)} failed: ${reason}`, options);
	}
}

let replacement: typeof console.warn | undefined;

/**
 * Reports messages that fail to `onError`, bounded. json-rpc-2.0 writes them to the console with
 * their whole error, and tmcp 1.20 neither takes a listener nor exposes its `JSONRPCServer`
 * (docs/upstream.md). So `console.warn` leaves out this one text within the requests of a handler.
 */
export function reportFailedMessages(): void {
	const { warn } = console;
	if (warn === replacement) return;
	replacement = (...data: unknown[]): void => {
		const [text, cause] = data;
		const [, method] = (typeof text === 'string' && REPORT.exec(text)) || [];
		const context = method === undefined ? undefined : currentContext();
		if (method !== undefined && context) context.report(new MessageError(method, cause));
		else warn.apply(console, data);
	};
	// oxlint-disable-next-line no-console -- Safe because every other text reaches the same console.
	console.warn = replacement;
}

/** Whether a log shows little of a value. An error of a schema has the value that it rejects. */
function isShort(value: unknown): boolean {
	if (typeof value === 'string') return value.length <= MAX_LENGTH;
	if (!(value instanceof Error)) return typeof value !== 'object';
	const { message, stack = '', cause } = value;
	const fields: unknown[] = Object.values(value);
	return [message, stack.slice(MAX_LENGTH), cause, ...fields].every(isShort);
}
