import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { runInScope } from '@tmcp-sessions/core/internal';
import { ManualClock } from '@tmcp-sessions/testkit';
import { observedStore } from './observed-store.ts';
import type { ObservedStore } from './observed-store.ts';

export const CLIENT = { name: 'client', version: '1.2.3' };
export const CAPABILITIES = { elicitation: {} };

/** A manager, over a store that is observed and a clock that stands still. */
export interface Setup extends ObservedStore {
	readonly clock: ManualClock;
	readonly manager: StoredInfoSessionManager;
	readonly errors: Error[];
	/** What was to be kept alive. */
	readonly work: Promise<unknown>[];
	/** Another isolate's manager of the same store, of another deployment perhaps. */
	anotherIsolate(options?: StoredInfoOptions): StoredInfoSessionManager;
}

/** A manager of its own for one test. */
export function setUp(options: StoredInfoOptions = {}): Setup {
	const clock = new ManualClock();
	const observed = observedStore(clock.now);
	const errors: Error[] = [];
	const work: Promise<unknown>[] = [];
	const make = (own: StoredInfoOptions = {}): StoredInfoSessionManager =>
		new StoredInfoSessionManager(observed.store, {
			now: clock.now,
			onError: (error) => void errors.push(error),
			waitUntil: (promise) => void work.push(promise),
			...options,
			...own,
		});
	return Object.assign(observed, { clock, manager: make(), errors, work, anotherIsolate: make });
}

/** What a transport does at `initialize`. */
export function initialize(manager: StoredInfoSessionManager, id: string): void {
	manager.setClientCapabilities(id, CAPABILITIES);
	manager.setClientInfo(id, CLIENT);
}

/** What a transport asks for each message of a session, one after the other. */
export async function getAll(manager: StoredInfoSessionManager, id: string): Promise<unknown[]> {
	return [
		await manager.getClientCapabilities(id),
		await manager.getClientInfo(id),
		await manager.getLogLevel(id),
	];
}

/** Runs this as one request of a client. */
export function inRequest<T>(request: () => T): T {
	return runInScope({ waitUntil: (work) => void work.catch(() => {}) }, request);
}
