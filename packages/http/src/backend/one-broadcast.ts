import { AsyncLocalStorage } from 'node:async_hooks';

interface Broadcast {
	/** Sends to subscriptions, which wait for the sends to sessions. */
	readonly deferred: (() => void)[];
	isFlushed: boolean;
}

const broadcasts = new AsyncLocalStorage<Broadcast>();

/**
 * Runs what the transport does for one change. It sends to subscriptions at once, and to sessions
 * after it has looked up the subscribers. Both are sent in the same turn here, so that managers which
 * share a backend can publish once.
 */
export function runAsOneBroadcast<Result>(broadcast: () => Result): Result {
	const state: Broadcast = { deferred: [], isFlushed: false };
	const result = broadcasts.run(state, broadcast);
	const flush = (): void => flushAll(state);
	// Flush also if no session is sent to, or if the lookup fails.
	if (result instanceof Promise) result.then(flush, flush);
	else flush();
	return result;
}

/** Sends to subscriptions when the same broadcast sends to sessions. */
export function sendWithSessions<Result>(send: () => Promise<Result>): Promise<Result> {
	const state = broadcasts.getStore();
	if (!state || state.isFlushed) return send();
	return new Promise((resolve) => state.deferred.push(() => resolve(send())));
}

/** Runs the deferred sends of the current broadcast, which is sending to sessions now. */
export function flushDeferred(): void {
	const state = broadcasts.getStore();
	if (state) flushAll(state);
}

function flushAll(state: Broadcast): void {
	state.isFlushed = true;
	for (const send of state.deferred.splice(0)) send();
}
