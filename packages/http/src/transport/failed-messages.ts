import { currentContext } from '../request/request-context.ts';

/** How json-rpc-2.0 1.7 begins its report of a message that failed. */
const BEGINNING = 'An unexpected error occurred while executing "';
/** Characters of a reported error: an error of tmcp may contain all of its message. */
const MAX_LENGTH = 2_048;

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
		const [text, error] = data;
		const isOfMessage = typeof text === 'string' && text.startsWith(BEGINNING);
		const context = isOfMessage ? currentContext() : undefined;
		if (context) context.report(boundedError(error));
		else warn.apply(console, data);
	};
	console.warn = replacement;
}

/** Returns the error itself if all that a log would show of it is short, else a shortened one. */
function boundedError(thrown: unknown): Error {
	const error = thrown instanceof Error ? thrown : new Error(String(thrown));
	if (isShort(error)) return error;
	const bounded = new Error(error.message.slice(0, MAX_LENGTH));
	bounded.name = error.name;
	bounded.stack = (error.stack ?? '').slice(0, 2 * MAX_LENGTH);
	return bounded;
}

/** An error of a schema has the value that it rejects in its issues. */
function isShort(value: unknown): boolean {
	if (typeof value === 'string') return value.length <= MAX_LENGTH;
	if (!(value instanceof Error)) return typeof value !== 'object';
	const { message, stack = '', cause } = value;
	return [message, stack.slice(MAX_LENGTH), cause, ...Object.values(value)].every(isShort);
}
