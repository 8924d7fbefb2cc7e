import type { StateCapabilities, StateStore, StoredState } from '@tmcp-sessions/core/backend';
import { describe, expect, it } from 'vitest';

import { ManualClock } from '../manual-clock.ts';

const CASE_TIMEOUT_MS = 60_000;
const HOUR_MS = 3_600_000;
/** How much later than asked a backend may remove a text: alarms run on full minutes. */
const LATE_SECONDS = 120;
/** How long a step of a case may take on a busy machine. */
const SLOW_SECONDS = 30;
/** The longest text that a case stores. */
const MAX_TESTED_BYTES = 900_000;

/** The state store that a case tests, in two isolates. */
export interface StateStoreUnderTest {
	readonly store: StateStore;
	/** Over the same storage, without the memory of `store`; `store` itself if it has memory only. */
	readonly elsewhere: StateStore;
	/**
	 * Returns the seconds until the backend removes what it stores for an id: `undefined` if it stores
	 * nothing, `Infinity` if it never removes it.
	 */
	removedAfterSeconds(id: string): Promise<number | undefined>;
	/** Releases the resources that the factory opened. */
	close?(): Promise<void>;
}

/** Creates the stores for one case. Both must take the time from `clock.now`. */
export type StateStoreFactory = (
	clock: ManualClock,
) => Promise<StateStoreUnderTest> | StateStoreUnderTest;

/** The arguments of a case. */
export interface StateStoreSubject extends StateStoreUnderTest {
	/** The capabilities that the package documents. */
	readonly expected: StateCapabilities;
	/** An id that no other case uses. */
	readonly id: string;
	/** In an hour. */
	readonly untilMs: number;
}

/** One requirement of every state store. `run` rejects if the store violates it. */
export interface StateStoreCase {
	readonly name: string;
	run(subject: StateStoreSubject): Promise<void>;
}

/** All cases of `StateStore`. */
export const stateStoreCases: readonly StateStoreCase[] = [
	{
		name: 'declares the expected capabilities',
		async run({ store, expected }) {
			expect(store.capabilities).toEqual(expected);
		},
	},
	{
		name: 'stores exactly the text of each id',
		async run({ store, elsewhere, id, untilMs }) {
			const texts = ['{}', 'null', '17', '"ended"', '{"a":"ü\\n\\u0000","b":[1,{}]}', '{"a":\n1}'];
			for (const [index, text] of texts.entries()) {
				expect(await store.write(`${id}.${index}`, text, undefined, untilMs)).toBe(true);
			}
			for (const [index, text] of texts.entries()) {
				expect((await stored(elsewhere, `${id}.${index}`))?.text).toBe(text);
			}
			expect(await store.read(id)).toBeUndefined();
		},
	},
	{
		name: 'replaces a text of the current version, and gives it another version',
		async run({ store, elsewhere, expected, id, untilMs }) {
			await store.write(id, '1', undefined, untilMs);
			const first = await stored(elsewhere, id);
			expect(await elsewhere.write(id, '2', first?.version, untilMs)).toBe(true);
			const second = await stored(store, id);
			expect(second?.text).toBe('2');
			if (expected.isAtomic) expect(second?.version).not.toBe(first?.version);
			expect(await store.write(id, '3', second?.version, untilMs)).toBe(true);
			expect((await stored(elsewhere, id))?.text).toBe('3');
		},
	},
	{
		name: 'changes nothing if the version differs',
		async run({ store, elsewhere, expected, id, untilMs }) {
			if (!expected.isAtomic) return;
			await store.write(id, '1', undefined, untilMs);
			const old = await stored(store, id);
			await elsewhere.write(id, '2', old?.version, untilMs);
			for (const version of [old?.version, undefined]) {
				expect(await store.write(id, '3', version, untilMs)).toBe(false);
			}
			expect(await store.write(`${id}.absent`, '3', old?.version, untilMs)).toBe(false);
			expect((await stored(elsewhere, id))?.text).toBe('2');
			expect(await elsewhere.read(`${id}.absent`)).toBeUndefined();
		},
	},
	{
		name: 'loses none of 20 concurrent changes from two isolates',
		async run({ store, elsewhere, expected, id, untilMs }) {
			if (!expected.isAtomic) return;
			const increment = async (from: StateStore): Promise<void> => {
				for (let attempt = 0; attempt < 500; attempt++) {
					const found = await stored(from, id);
					const next = String(Number(found?.text ?? 0) + 1);
					if (await from.write(id, next, found?.version, untilMs)) return;
				}
				throw new Error('none of 500 attempts was written');
			};
			await Promise.all(
				Array.from({ length: 20 }, (_, index) => increment(index % 2 === 0 ? store : elsewhere)),
			);
			expect((await stored(store, id))?.text).toBe('20');
		},
	},
	{
		name: 'returns a removed text once, and stores no other one after it',
		async run({ store, elsewhere, expected, id, untilMs }) {
			await store.write(id, '{"a":1}', undefined, untilMs);
			const before = await stored(store, id);
			expect(await elsewhere.end(id, untilMs)).toBe('{"a":1}');
			expect(await store.read(id)).toBe('ended');
			expect(await store.end(id, untilMs)).toBeUndefined();
			if (!expected.isAtomic) return;
			for (const version of [before?.version, undefined]) {
				expect(await store.write(id, '2', version, untilMs)).toBe(false);
			}
			await store.extend(id, untilMs + HOUR_MS);
			expect(await elsewhere.read(id)).toBe('ended');
		},
	},
	{
		name: 'remembers the end of an unknown id',
		async run({ store, elsewhere, expected, id, untilMs }) {
			expect(await store.end(id, untilMs)).toBeUndefined();
			expect(await elsewhere.read(id)).toBe('ended');
			if (expected.isAtomic) {
				expect(await elsewhere.write(id, '1', undefined, untilMs)).toBe(false);
				expect(await store.read(id)).toBe('ended');
			}
		},
	},
	{
		name: 'returns a removed text to one of 10 concurrent callers',
		async run({ store, elsewhere, expected, id, untilMs }) {
			if (!expected.isAtomic) return;
			await store.write(id, '{"a":1}', undefined, untilMs);
			const callers = Array.from({ length: 10 }, (_, index) =>
				(index % 2 === 0 ? store : elsewhere).end(id, untilMs),
			);
			const texts = (await Promise.all(callers)).filter((text) => text !== undefined);
			expect(texts).toEqual(['{"a":1}']);
		},
	},
	{
		name: 'removes a text and the mark of an end when they expire, and not before',
		async run({ store, expected, id, removedAfterSeconds, untilMs }) {
			expect(await removedAfterSeconds(id)).toBeUndefined();
			await store.write(id, '1', undefined, untilMs);
			expectAbout(await removedAfterSeconds(id), 3_600);
			const found = await stored(store, id);
			await store.write(id, '2', found?.version, untilMs - HOUR_MS / 2);
			expectAbout(await removedAfterSeconds(id), 1_800);
			await store.end(id, untilMs);
			expectAbout(await removedAfterSeconds(id), 3_600);
			await store.write(`${id}.short`, '1', undefined, untilMs - HOUR_MS + 10_000);
			expectAbout(await removedAfterSeconds(`${id}.short`), Math.max(10, expected.ttlFloorSeconds));
		},
	},
	{
		name: 'moves an expiry to a later time only, and stores nothing for an unknown id',
		async run({ store, elsewhere, expected, id, removedAfterSeconds, untilMs }) {
			await store.write(id, '{"a":1}', undefined, untilMs);
			await elsewhere.extend(id, untilMs + HOUR_MS);
			expectAbout(await removedAfterSeconds(id), expected.canExtend ? 7_200 : 3_600);
			await elsewhere.extend(id, untilMs - HOUR_MS / 2);
			expectAbout(await removedAfterSeconds(id), expected.canExtend ? 7_200 : 3_600);
			const found = await stored(store, id);
			expect(found?.text).toBe('{"a":1}');
			expect(await store.write(id, '2', found?.version, untilMs)).toBe(true);
			await store.extend(`${id}.absent`, untilMs);
			expect(await store.read(`${id}.absent`)).toBeUndefined();
			expect(await removedAfterSeconds(`${id}.absent`)).toBeUndefined();
		},
	},
	{
		name: 'stores long texts of characters of several bytes',
		async run({ store, elsewhere, expected, id, untilMs }) {
			const bytes = Math.min(expected.maxBytes, MAX_TESTED_BYTES) - 100;
			const text = JSON.stringify('ü'.repeat(Math.floor(bytes / 2)));
			expect(await store.write(id, text, undefined, untilMs)).toBe(true);
			expect((await stored(elsewhere, id))?.text === text).toBe(true);
			expect((await store.end(id, untilMs)) === text).toBe(true);
		},
	},
	{
		name: 'accepts ids up to its limit, and rejects other values as invalid ids',
		async run({ store, expected, id, untilMs }) {
			const longest = id.padEnd(expected.maxIdBytes, 'x');
			for (const each of [longest, `${id}:/?#%&+*[]`, `${id} ü`]) {
				expect(await store.write(each, '1', undefined, untilMs)).toBe(true);
				expect((await stored(store, each))?.text).toBe('1');
			}
			for (const invalid of ['', `${longest}x`, '\ud800']) {
				const rejection = { code: 'invalid-session-id' };
				await expect(store.read(invalid)).rejects.toMatchObject(rejection);
				await expect(store.write(invalid, '1', undefined, untilMs)).rejects.toMatchObject(
					rejection,
				);
				await expect(store.end(invalid, untilMs)).rejects.toMatchObject(rejection);
			}
		},
	},
];

/** Runs a case against stores that the factory creates. */
export async function runStateStoreCase(
	{ run }: StateStoreCase,
	factory: StateStoreFactory,
	expected: StateCapabilities,
): Promise<void> {
	const clock = new ManualClock();
	const under = await factory(clock);
	const subject: StateStoreSubject = {
		store: under.store,
		elsewhere: under.elsewhere,
		removedAfterSeconds: (id) => under.removedAfterSeconds(id),
		expected,
		id: `1.0.${crypto.randomUUID()}`,
		untilMs: clock.now() + HOUR_MS,
	};
	try {
		await run(subject);
	} finally {
		await under.close?.();
	}
}

/** Defines the tests of a state store. */
export function testStateStore(
	name: string,
	factory: StateStoreFactory,
	expected: StateCapabilities,
): void {
	describe(`${name} (contract of StateStore)`, () => {
		for (const each of stateStoreCases) {
			it(each.name, () => runStateStoreCase(each, factory, expected), CASE_TIMEOUT_MS);
		}
	});
}

async function stored(store: StateStore, id: string): Promise<StoredState | undefined> {
	const found = await store.read(id);
	if (found === 'ended') throw new Error('expected a state that has not ended');
	return found;
}

function expectAbout(found: number | undefined, seconds: number): void {
	expect(found).toBeGreaterThanOrEqual(seconds - SLOW_SECONDS);
	expect(found).toBeLessThanOrEqual(seconds + LATE_SECONDS);
}
