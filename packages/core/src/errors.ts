import { fnv1a } from './ids/fnv1a.ts';

/** Tells errors apart in code. */
export type ErrorCode =
	| 'archive'
	| 'binding'
	| 'configuration'
	| 'corrupt-record'
	| 'invalid-session-id'
	| 'message'
	| 'request-state'
	| 'session-auth'
	| 'session-state'
	| 'session-too-large'
	| 'state-handle'
	| 'store'
	| 'stream'
	| 'task'
	| 'unknown-session';

/**
 * The base class of this family's errors. A message names the package, what failed, what was found
 * and the fix. It never contains a token, a secret or a whole session id.
 */
export class TmcpSessionsError extends Error {
	override readonly name: string = 'TmcpSessionsError';
	/** What failed. */
	readonly code: ErrorCode;

	/**
	 * @param code what failed.
	 * @param packageName the folder name of the package that throws, such as `info-kv`.
	 * @param message what failed, what was found and the fix.
	 */
	constructor(code: ErrorCode, packageName: string, message: string, options?: ErrorOptions) {
		super(`[tmcp-sessions/${packageName}] ${message}`, options);
		this.code = code;
	}
}

/** Thrown if a binding is missing or has the wrong kind. */
export class BindingError extends TmcpSessionsError {
	override readonly name = 'BindingError';
	constructor(packageName: string, message: string) {
		super('binding', packageName, message);
	}
}

/** Thrown if a backend is down, rejects an operation or times out. */
export class StoreError extends TmcpSessionsError {
	override readonly name = 'StoreError';
	constructor(packageName: string, operation: string, cause: unknown) {
		super('store', packageName, `${operation} failed: ${reasonOf(cause)}`, { cause });
	}
}

/**
 * Thrown if a later release has written a storage. This release must not change it, because that would
 * lose data. Clients get a 503 and try again.
 */
export class NewerStorageError extends TmcpSessionsError {
	override readonly name = 'NewerStorageError';
	constructor(packageName: string, message: string) {
		super('store', packageName, message);
	}
}

/** Thrown if storage holds something else than a session record. The session is treated as unknown. */
export class CorruptRecordError extends TmcpSessionsError {
	override readonly name = 'CorruptRecordError';
	constructor(packageName: string, found: string) {
		super(
			'corrupt-record',
			packageName,
			`invalid session record (${found}); the session is treated as unknown. ` +
				'Does another program write to this storage?',
		);
	}
}

/** Thrown if a session id is not a non-empty string, or is longer than the backend accepts. */
export class InvalidSessionIdError extends TmcpSessionsError {
	override readonly name = 'InvalidSessionIdError';
	constructor(packageName: string, found: string) {
		super(
			'invalid-session-id',
			packageName,
			`a session id must be a non-empty string; got ${found}`,
		);
	}
}

/** Thrown if an operation needs a session that never existed, has ended or has expired. */
export class UnknownSessionError extends TmcpSessionsError {
	override readonly name = 'UnknownSessionError';
	constructor(packageName: string, purpose: string) {
		super(
			'unknown-session',
			packageName,
			`cannot ${purpose}: the session never existed, has ended or has expired`,
		);
	}
}

/** Thrown or reported if a stream cannot be opened or a message cannot be delivered. */
export class StreamError extends TmcpSessionsError {
	override readonly name = 'StreamError';
	/** Which bound the client has reached and what it can do, if that is the reason. */
	readonly bound: string | undefined;

	/** @param bound for the client, so it contains no internals. */
	constructor(packageName: string, operation: string, cause: unknown, bound?: string) {
		super('stream', packageName, `${operation} failed: ${reasonOf(cause)}`, { cause });
		this.bound = bound;
	}
}

/** Returns the message of a thrown value. */
export function reasonOf(cause: unknown): string {
	return cause instanceof Error ? cause.message : String(cause);
}

/** The context of a reported error. */
export interface ErrorContext {
	/** A hash of the session id: the same in all reports of a session, and useless to an attacker. */
	readonly session?: string | undefined;
}

/** Receives every failure that cannot be returned to a caller. */
export type ErrorReporter = (error: Error, context?: ErrorContext) => void;

/** Mistakes of a deployment fail every request in the same way. */
const REPORTED_ONCE: ReadonlySet<ErrorCode> = new Set(['binding', 'configuration']);
const MAX_REPORTED = 100;
/** The messages of such errors that each `onError` of this isolate has received. */
const reported = new WeakMap<ErrorReporter, Set<string>>();

/** Whether `onError` has received this error of the deployment before, from any request or manager. */
function isRepeated(error: Error, onError: ErrorReporter): boolean {
	if (!(error instanceof TmcpSessionsError) || !REPORTED_ONCE.has(error.code)) return false;
	const messages = reported.get(onError) ?? new Set();
	reported.set(onError, messages);
	if (messages.has(error.message)) return true;
	if (messages.size < MAX_REPORTED) messages.add(error.message);
	return false;
}

/**
 * Creates a function that passes a thrown value to `onError`, as an `Error`. Mistakes of the
 * configuration are passed once. It never throws: what
 * `onError` throws goes to the console, so that cleanup after the failure still runs.
 *
 * @param onError default: the console.
 * @returns a function of the thrown value and the session id, of which `onError` gets a hash.
 */
export function createReporter(
	onError: ErrorReporter = reportToConsole,
): (cause: unknown, sessionId?: string) => void {
	return (cause, sessionId) => {
		const error = cause instanceof Error ? cause : new Error(reasonOf(cause));
		if (isRepeated(error, onError)) return;
		try {
			if (sessionId) onError(error, { session: hashSessionId(sessionId) });
			else onError(error);
		} catch (thrown) {
			console.error(error, thrown);
		}
	};
}

/** Writes the error to the console, with a hash of the session id. */
export const reportToConsole: ErrorReporter = (error, context) => {
	if (context?.session) console.error(`session ${context.session}:`, error);
	else console.error(error);
};

/** Distinguishes sessions in a log without revealing their ids. */
export function hashSessionId(id: string): string {
	return fnv1a(id).toString(16).padStart(8, '0');
}
