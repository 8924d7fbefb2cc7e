import type { SessionRecord, SessionStore, StoreCapabilities } from '@tmcp-sessions/core/backend';
import { ManualClock } from '../manual-clock.ts';
import { Interleavings } from './interleavings.ts';
import type { Step } from './interleavings.ts';

/** The store that a case tests, with access to the storage behind it. */
export interface StoreUnderTest {
	readonly store: SessionStore;
	/**
	 * The store of another isolate: over the same storage, without the memory of `store`. If
	 * `consistency` is `isolate`, any other store.
	 */
	readonly elsewhere: SessionStore;
	/** Overwrites the stored record of the session with this text. */
	corrupt(id: string, text: string): Promise<void>;
	/**
	 * Returns the seconds until the backend itself removes the stored record: `undefined` if it stores
	 * none, `Infinity` if it would never remove it.
	 */
	forgottenAfterSeconds(id: string): Promise<number | undefined>;
	/** Releases the resources that the factory opened. */
	close?(): Promise<void>;
}

/**
 * Creates the stores for one case. Both must take the time from `clock.now`. The storage may hold data
 * of other cases: no two cases use the same ids or URIs.
 *
 * @param step performs each operation of a backend: the cases run store operations concurrently and
 * choose the order of their steps. A factory whose stores do not use it tests whole operations only.
 */
export type StoreFactory = (
	clock: ManualClock,
	step: Step,
) => StoreUnderTest | Promise<StoreUnderTest>;

/** The arguments of a case. */
export interface SessionStoreSubject extends StoreUnderTest {
	readonly clock: ManualClock;
	/** Runs operations of the stores concurrently. */
	readonly interleavings: Interleavings;
	/** The capabilities that the package documents. */
	readonly expected: StoreCapabilities;
	/** Returns a session id that no other case uses, ending in `label`. */
	id(label: string): string;
	/** Returns a URI that no other case uses, ending in `label`. */
	uri(label: string): string;
	/** Returns the record of a session opened now that expires in an hour; `fields` override it. */
	record(fields?: Partial<SessionRecord>): SessionRecord;
}

/** One requirement of every session store. `run` rejects if the store violates it. */
export interface SessionStoreCase {
	readonly name: string;
	run(subject: SessionStoreSubject): Promise<void>;
}

export const HOUR_MS: number = 3_600_000;

/** Runs one case against a separate store. Rejects with the failed assertion. */
export async function runSessionStoreCase(
	{ run }: SessionStoreCase,
	factory: StoreFactory,
	expected: StoreCapabilities,
): Promise<void> {
	const clock = new ManualClock();
	const interleavings = new Interleavings();
	const unique = crypto.randomUUID();
	const underTest = await factory(clock, interleavings.step);
	try {
		await run({
			store: underTest.store,
			elsewhere: underTest.elsewhere,
			corrupt: (id, text) => underTest.corrupt(id, text),
			forgottenAfterSeconds: (id) => underTest.forgottenAfterSeconds(id),
			clock,
			interleavings,
			expected,
			id: (label) => `${unique}${label}`,
			uri: (label) => `test://${unique}/${label}`,
			record: (fields) => ({
				createdAtMs: clock.now(),
				expiresAtMs: clock.now() + HOUR_MS,
				clientInfo: { name: 'suite', version: '1.0.0' },
				...fields,
			}),
		});
	} finally {
		await underTest.close?.();
	}
}
