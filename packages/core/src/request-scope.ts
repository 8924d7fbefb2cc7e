import { AsyncLocalStorage } from 'node:async_hooks';

import type { IssuedSession } from './extensions/session-sealing.ts';

/**
 * The context of one HTTP request, for the managers that serve it. `@tmcp-sessions/http` sets it;
 * managers also work without.
 */
export interface RequestScope {
	/** Keeps the request alive until the promise settles. The promise must not reject. */
	waitUntil(promise: Promise<unknown>): void;
	/** The `Last-Event-ID` of the request. */
	readonly lastEventId?: string | undefined;
	/** The revision of the protocol that the client speaks. Default: one before 2025-11-25. */
	readonly protocolVersion?: string | undefined;
	/** The principal that the request is authorized for, as a stable string. */
	readonly principal?: string | undefined;
	/** The subject of the principal, whose sessions can be ended together. Undefined without a principal. */
	readonly subject?: string | undefined;
	/**
	 * Whose open streams, inboxes and subscriptions are bounded together: the principal or, without one,
	 * the address of the client. Undefined if it is unknown: then the bounds of a session apply alone.
	 */
	readonly client?: string | undefined;
	/**
	 * The label of the shard for what the request opens: its subscription or its new session. Default:
	 * the root shard.
	 */
	readonly shard?: string | undefined;
	/**
	 * The JSON-RPC message of the request, parsed. It is another object than the one that the server
	 * gets, because a tool may modify its arguments.
	 */
	readonly message?: unknown;
	/**
	 * Returns the secrets that sign and seal what clients carry. The first signs, all verify. A first
	 * secret may be created `to` seal. Default: none.
	 *
	 * @throws {TmcpSessionsError} `configuration` if the deployment needs keys that are missing.
	 */
	secrets?(to: 'open' | 'seal'): readonly string[];
	/** The session that the message belongs to or opens, as the info manager issued it. */
	readonly session?: IssuedSession | undefined;
}

const scopes = new AsyncLocalStorage<RequestScope>();

/** Runs `callback` with `scope` as the current scope, also of all that it starts. */
export function runInScope<T>(scope: RequestScope, callback: () => T): T {
	return scopes.run(scope, callback);
}

/** Returns the scope of the request that this code runs for, if one is open. */
export function currentScope(): RequestScope | undefined {
	return scopes.getStore();
}

/**
 * Keeps the request alive for a promise that its caller does not await.
 *
 * @param fallback receives the promise if no scope is open: the platform's own `waitUntil`.
 */
export function keepRequestAlive<Job extends Promise<unknown>>(
	promise: Job,
	fallback: (promise: Job) => void,
): void {
	const scope = currentScope();
	if (scope) scope.waitUntil(promise);
	else fallback(promise);
}
