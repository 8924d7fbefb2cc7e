import type { SessionRecord, SessionStore, StoreCapabilities } from '@tmcp-sessions/core/backend';
import { ManualClock } from '../manual-clock.ts';

/** A store as the suite needs it: with a second handle and a look behind the contract. */
export interface StoreUnderTest {
	readonly store: SessionStore;
	/**
	 * A store as another isolate would have it: over the same storage, nothing of `store` in memory.
	 * Where `consistency` is `isolate`, simply another store.
	 */
	readonly elsewhere: SessionStore;
	/** Puts this text where the record of the session is kept, as something foreign would. */
	corrupt(id: string, text: string): Promise<void>;
	/**
	 * Seconds until the backend by itself forgets what it holds in the place of the record:
	 * `undefined` where it holds nothing, `Infinity` where it would never.
	 */
	forgottenAfterSeconds(id: string): Promise<number | undefined>;
	/** Lets go of what the factory opened. */
	close?(): Promise<void>;
}

/**
 * Opens a store for one case. Both handles must take their time from `clock.now`. The storage may
 * hold what other cases left there: no two cases use the same ids or uris.
 */
export type StoreFactory = (clock: ManualClock) => StoreUnderTest | Promise<StoreUnderTest>;

/** What a case works with. */
export interface SessionStoreSubject extends StoreUnderTest {
	readonly clock: ManualClock;
	/** The capabilities that the package says its store has. */
	readonly expected: StoreCapabilities;
	/** A session id that no other case uses, ending in `label`. */
	id(label: string): string;
	/** A uri that no other case uses, ending in `label`. */
	uri(label: string): string;
	/** A record of a session opened now that lives for an hour, unless `fields` say otherwise. */
	record(fields?: Partial<SessionRecord>): SessionRecord;
}

/** One thing that holds for every store. Rejects where it does not. */
export interface SessionStoreCase {
	readonly name: string;
	run(subject: SessionStoreSubject): Promise<void>;
}

export const HOUR_MS: number = 3_600_000;

/** Runs one case against a store of its own. Rejects with what does not hold. */
export async function runSessionStoreCase(
	{ run }: SessionStoreCase,
	factory: StoreFactory,
	expected: StoreCapabilities,
): Promise<void> {
	const clock = new ManualClock();
	const unique = crypto.randomUUID();
	const underTest = await factory(clock);
	try {
		await run({
			store: underTest.store,
			elsewhere: underTest.elsewhere,
			corrupt: (id, text) => underTest.corrupt(id, text),
			forgottenAfterSeconds: (id) => underTest.forgottenAfterSeconds(id),
			clock,
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
