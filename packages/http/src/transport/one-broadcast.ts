import { AsyncLocalStorage } from 'node:async_hooks';

interface Broadcast {
	/** What listeners are to be told. */
	readonly held: (() => void)[];
	isOut: boolean;
}

const broadcasts = new AsyncLocalStorage<Broadcast>();

/**
 * Runs what the transport does for one change. It tells listeners at once, and sessions when it has
 * found the subscribers: here both go out in the same turn, so that managers which share a backend
 * can tell it once.
 */
export function runAsOneBroadcast<Result>(work: () => Result): Result {
	const broadcast: Broadcast = { held: [], isOut: false };
	const result = broadcasts.run(broadcast, work);
	const release = (): void => releaseAll(broadcast);
	// Also where no session is told, or nobody knows which.
	if (result instanceof Promise) void result.then(release, release);
	else release();
	return result;
}

/** Sends to listeners, when the sessions of the same broadcast are told. */
export function withSessions<Result>(send: () => Promise<Result>): Promise<Result> {
	const broadcast = broadcasts.getStore();
	if (!broadcast || broadcast.isOut) return send();
	return new Promise((resolve) => broadcast.held.push(() => resolve(send())));
}

/** Sessions are being told: what was held for that goes out with it. */
export function flushDeferred(): void {
	const broadcast = broadcasts.getStore();
	if (broadcast) releaseAll(broadcast);
}

function releaseAll(broadcast: Broadcast): void {
	broadcast.isOut = true;
	for (const send of broadcast.held.splice(0)) send();
}
