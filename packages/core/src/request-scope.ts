import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * What one HTTP request carries to the managers that work for it. Opened by
 * `@tmcp-sessions/http`; without it every manager still works.
 */
export interface RequestScope {
	/** Keeps the request alive until the promise has settled. The promise must not reject. */
	waitUntil(work: Promise<unknown>): void;
	/** The id of the last event that the client saw of the stream that it resumes. */
	readonly lastEventId?: string | undefined;
	/** Whom the request was authorized for, in a form that is the same for each of their requests. */
	readonly principal?: string | undefined;
	/**
	 * The label of the shard where what the request has no session for stands: its listener, or the
	 * session that it opens. Default: the root.
	 */
	readonly shard?: string | undefined;
	/**
	 * The JSON-RPC message that the request carried, parsed. Not the object that the server gets: a
	 * tool may change its arguments.
	 */
	readonly message?: unknown;
}

const scopes = new AsyncLocalStorage<RequestScope>();

/** Runs `work` with `scope` as the scope of everything that it starts. */
export function runInScope<T>(scope: RequestScope, work: () => T): T {
	return scopes.run(scope, work);
}

/** The scope of the request that this code runs for, where one was opened. */
export function currentScope(): RequestScope | undefined {
	return scopes.getStore();
}

/**
 * Keeps the request alive for work that its caller does not await.
 *
 * @param otherwise takes the work where no scope was opened: the platform's own `waitUntil`.
 */
export function keepRequestAlive<Work extends Promise<unknown>>(
	work: Work,
	otherwise: (work: Work) => void,
): void {
	const scope = currentScope();
	if (scope) scope.waitUntil(work);
	else otherwise(work);
}
