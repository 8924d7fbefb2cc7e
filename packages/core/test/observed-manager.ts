import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { runInScope } from '@tmcp-sessions/core/internal';
import { ManualClock } from '@tmcp-sessions/testkit';
import { observedStore } from './observed-store.ts';
import type { ObservedStore } from './observed-store.ts';

export const CLIENT = { name: 'client', version: '1.2.3' };
export const CAPABILITIES = { elicitation: {} };

/** A manager over an observed store and a manual clock. */
export interface Setup extends ObservedStore {
	readonly clock: ManualClock;
	readonly manager: StoredInfoSessionManager;
	readonly errors: Error[];
	/** The promises that were passed to `waitUntil`. */
	readonly promises: Promise<unknown>[];
	/** Creates a manager of another isolate, or of another deployment, over the same store. */
	anotherIsolate(options?: StoredInfoOptions): StoredInfoSessionManager;
}

/** Creates the manager of one test. */
export function setUp(options: StoredInfoOptions = {}): Setup {
	const clock = new ManualClock();
	const observed = observedStore(clock.now);
	const errors: Error[] = [];
	const promises: Promise<unknown>[] = [];
	const create = (own: StoredInfoOptions = {}): StoredInfoSessionManager =>
		new StoredInfoSessionManager(observed.store, {
			now: clock.now,
			onError: (error) => void errors.push(error),
			waitUntil: (promise) => void promises.push(promise),
			...options,
			...own,
		});
	return Object.assign(observed, {
		clock,
		manager: create(),
		errors,
		promises,
		anotherIsolate: create,
	});
}

/** Makes the calls of a transport at `initialize`. */
export function initialize(manager: StoredInfoSessionManager, id: string): void {
	manager.setClientCapabilities(id, CAPABILITIES);
	manager.setClientInfo(id, CLIENT);
}

/** Makes the calls of a transport for each message of a session. */
export async function getAll(manager: StoredInfoSessionManager, id: string): Promise<unknown[]> {
	return [
		await manager.getClientCapabilities(id),
		await manager.getClientInfo(id),
		await manager.getLogLevel(id),
	];
}

/** Runs `request` as one request of a client. */
export function inRequest<T>(request: () => T): T {
	return runInScope({ waitUntil: (promise) => void promise.catch(() => {}) }, request);
}
