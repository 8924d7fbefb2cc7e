import { AsyncLocalStorage } from 'node:async_hooks';

interface Broadcast {
	/** Sends to subscriptions, which wait for the sends to sessions. */
	readonly deferred: (() => void)[];
	/** The broadcast to send first. */
	before: Broadcast | undefined;
	isSent: boolean;
	/** Sends the next broadcast, which waits for this one. */
	sendNext?: () => void;
}

const broadcasts = new AsyncLocalStorage<Broadcast>();
/** The last of each request's broadcasts that are sent in order. */
const lastOf = new WeakMap<object, Broadcast>();

/**
 * Runs what the transport does for one change. It sends to subscriptions at once, and to sessions
 * after it has looked up the subscribers. Both are sent in the same turn here, so that managers which
 * share a backend can publish once.
 *
 * @param request the request whose broadcasts are sent in the order in which they began, however long each
 * lookup takes. Never those of several: on workerd, promises of a request that has ended never settle.
 */
export function runAsOneBroadcast<Result>(broadcast: () => Result, request?: object): Result {
	const before = request && lastOf.get(request);
	const state: Broadcast = { deferred: [], before, isSent: false };
	if (request) lastOf.set(request, state);
	const result = broadcasts.run(state, broadcast);
	const flush = (): void => inOrder(state, () => {});
	// Flush also if no session is sent to, or if the lookup fails.
	if (result instanceof Promise) result.then(flush, flush);
	else flush();
	return result;
}

/** Sends to subscriptions when the same broadcast sends to sessions. */
export function sendWithSessions<Result>(send: () => Promise<Result>): Promise<Result> {
	const state = broadcasts.getStore();
	if (!state || state.isSent) return send();
	return new Promise((resolve) => state.deferred.push(() => resolve(send())));
}

/** Sends to sessions, and to subscriptions what the same broadcast has deferred. */
export function sendToSessions(send: () => Promise<void> | void): Promise<void> | void {
	const state = broadcasts.getStore();
	if (!state || state.isSent) return send();
	let sent: Promise<void> | void = undefined;
	if (!state.before || state.before.isSent) {
		inOrder(state, () => {
			sent = send();
		});
		return sent;
	}
	return new Promise((resolve) => {
		// A promise, so that an error rejects.
		inOrder(state, () => resolve((async () => send())()));
	});
}

/** Sends a broadcast, or waits until the one before it was sent. */
function inOrder(state: Broadcast, send: () => void): void {
	const { before } = state;
	if (state.isSent) return;
	if (before && !before.isSent) {
		before.sendNext = () => inOrder(state, send);
		return;
	}
	state.before = undefined;
	state.isSent = true;
	try {
		for (const sendDeferred of state.deferred.splice(0)) sendDeferred();
		send();
	} finally {
		state.sendNext?.();
	}
}
