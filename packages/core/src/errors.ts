import { fnv1a } from './ids/fnv1a.ts';

/** What went wrong, for code that decides by it. */
export type ErrorCode =
	| 'archive'
	| 'binding'
	| 'configuration'
	| 'corrupt-record'
	| 'invalid-session-id'
	| 'request-state'
	| 'session-auth'
	| 'session-state'
	| 'session-too-large'
	| 'store'
	| 'stream'
	| 'unknown-session';

/**
 * An error of this family. Its message names the package, says what was expected, what was found
 * and what to do. It never holds a token, a secret or a whole session id.
 */
export class TmcpSessionsError extends Error {
	override readonly name: string = 'TmcpSessionsError';
	/** What went wrong. */
	readonly code: ErrorCode;

	/**
	 * @param code what went wrong.
	 * @param packageName the folder name of the package that says so, such as `info-kv`.
	 * @param message what was expected, what was found and what to do.
	 */
	constructor(code: ErrorCode, packageName: string, message: string, options?: ErrorOptions) {
		super(`[tmcp-sessions/${packageName}] ${message}`, options);
		this.code = code;
	}
}

/** A binding is missing or is something else than it should be. */
export class BindingError extends TmcpSessionsError {
	override readonly name = 'BindingError';
	constructor(packageName: string, message: string) {
		super('binding', packageName, message);
	}
}

/** The backend did not do what it was asked: it is down, refuses or timed out. */
export class StoreError extends TmcpSessionsError {
	override readonly name = 'StoreError';
	constructor(packageName: string, operation: string, cause: unknown) {
		super('store', packageName, `${operation} failed: ${reasonOf(cause)}`, { cause });
	}
}

/** Something is stored under a session's key that is no record. The session counts as unknown. */
export class CorruptRecordError extends TmcpSessionsError {
	override readonly name = 'CorruptRecordError';
	constructor(packageName: string, found: string) {
		super(
			'corrupt-record',
			packageName,
			`the stored record of a session cannot be used (${found}); the session counts as unknown. ` +
				'Does something else write to the same storage?',
		);
	}
}

/** A session id that is no non-empty string, or is longer than the backend takes. */
export class InvalidSessionIdError extends TmcpSessionsError {
	override readonly name = 'InvalidSessionIdError';
	constructor(packageName: string, found: string) {
		super(
			'invalid-session-id',
			packageName,
			`a session id must be a non-empty string; found ${found}`,
		);
	}
}

/** A session that never was, has ended or has expired was asked to do something. */
export class UnknownSessionError extends TmcpSessionsError {
	override readonly name = 'UnknownSessionError';
	constructor(packageName: string, purpose: string) {
		super(
			'unknown-session',
			packageName,
			`a session that is not known cannot ${purpose}; it never was, has ended or has expired`,
		);
	}
}

/** A stream could not be opened, or a message could not be handed on. */
export class StreamError extends TmcpSessionsError {
	override readonly name = 'StreamError';
	constructor(packageName: string, operation: string, cause: unknown) {
		super('stream', packageName, `${operation} failed: ${reasonOf(cause)}`, { cause });
	}
}

/** The message of whatever was thrown. */
export function reasonOf(cause: unknown): string {
	return cause instanceof Error ? cause.message : String(cause);
}

/** What an error has to do with. */
export interface ErrorContext {
	/** A hash of the session's id: the same for all errors of a session, and of no use to a thief. */
	readonly session?: string | undefined;
}

/** Told of every failure that no caller can be told of. */
export type ErrorReporter = (error: Error, context?: ErrorContext) => void;

/**
 * Reports whatever was thrown, as an `Error`. Never throws: one that a reporter throws goes to the
 * console, since the work that failed has an end to come to.
 *
 * @param onError whom to tell. Default: the console.
 * @returns takes what was thrown, and the id of the session it was for: that is passed on as a hash.
 */
export function createReporter(
	onError: ErrorReporter = reportToConsole,
): (cause: unknown, sessionId?: string) => void {
	return (cause, sessionId) => {
		const error = cause instanceof Error ? cause : new Error(reasonOf(cause));
		try {
			if (sessionId) onError(error, { session: hashSessionId(sessionId) });
			else onError(error);
		} catch (thrown) {
			console.error(error, thrown);
		}
	};
}

/** Reports to the console: the error's own text, and a hash of the session's id. */
export const reportToConsole: ErrorReporter = (error, context) => {
	if (context?.session) console.error(`session ${context.session}:`, error);
	else console.error(error);
};

/** Enough to tell sessions apart in a log, and it leads back to no id. */
function hashSessionId(id: string): string {
	return fnv1a(id).toString(16).padStart(8, '0');
}
