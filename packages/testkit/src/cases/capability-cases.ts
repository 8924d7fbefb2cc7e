import type { SessionPatch, StoreCapabilities } from '@tmcp-sessions/core/backend';
import { expect } from 'vitest';
import { HOUR_MS } from './session-store-subject.ts';
import type { SessionStoreCase, SessionStoreSubject } from './session-store-subject.ts';

const ROUNDS = 25;
/** How late a backend may remove an expired record. */
const LATE_SECONDS = 60;

/** Cases of the capabilities: each value has its own assertion. */
export const capabilityCases: readonly SessionStoreCase[] = [
	{
		name: 'declares the expected capabilities',
		async run({ store, elsewhere, expected }) {
			expect(store.capabilities).toEqual(expected);
			expect(elsewhere.capabilities).toEqual(expected);
		},
	},
	{
		name: 'consistency: shows a confirmed write to another isolate within visibleWithinSeconds',
		async run(subject) {
			const { consistency, visibleWithinSeconds } = subject.expected;
			await visibility[consistency](subject, visibleWithinSeconds);
		},
	},
	{
		name: 'ttlFloorSeconds: expires a record in the backend itself, never early',
		async run({ store, clock, expected, id, record, forgottenAfterSeconds }) {
			for (const livesSeconds of [1, 30, 3_600]) {
				const session = id(`-${livesSeconds}`);
				const due = Math.max(livesSeconds, expected.ttlFloorSeconds);
				const expiresAtMs = clock.now() + livesSeconds * 1000;
				await store.create(session, record({ expiresAtMs }));
				expectDue(await forgottenAfterSeconds(session), due);
				await store.update(session, { logLevel: 'info' });
				expectDue(await forgottenAfterSeconds(session), due);
			}
			await store.update(id('-3600'), { expiresAtMs: clock.now() + 2 * HOUR_MS });
			expectDue(await forgottenAfterSeconds(id('-3600')), 7_200);
			await store.delete(id('-3600'));
			// A backend that keeps an id ended by other means may have removed the record.
			const tombstone = await forgottenAfterSeconds(id('-3600'));
			if (tombstone !== undefined) expectDue(tombstone, 7_200);
		},
	},
	{
		name: 'atomicUpdate: merges concurrent updates of different fields, or keeps at least one',
		async run(subject) {
			await (subject.expected.atomicUpdate
				? expectAllSurvive(subject)
				: expectSomeSurvive(subject));
		},
	},
];

const visibility: Record<
	StoreCapabilities['consistency'],
	(subject: SessionStoreSubject, withinSeconds: number) => Promise<void>
> = {
	async strong(subject, withinSeconds) {
		expect(withinSeconds).toBe(0);
		await expectSeenElsewhere(subject, () => {});
	},
	async eventual(subject, withinSeconds) {
		expect(withinSeconds).toBeGreaterThan(0);
		await expectSeenElsewhere(subject, () => subject.clock.advance(withinSeconds * 1000));
	},
	async isolate({ store, elsewhere, clock, id, uri, record }, withinSeconds) {
		expect(withinSeconds).toBeGreaterThan(0);
		await store.create(id(''), record());
		await store.subscribe(id(''), uri('a'), clock.now() + HOUR_MS);
		expect(await elsewhere.read(id(''))).toBeUndefined();
		expect(await elsewhere.subscribers(uri('a'))).toEqual([]);
		await elsewhere.delete(id(''));
		expect(await store.read(id(''))).toBeDefined();
		expect(await store.subscribers(uri('a'))).toEqual([id('')]);
	},
};

/** Reads in the other isolate before and after each kind of write: a cache there holds the old value. */
async function expectSeenElsewhere(subject: SessionStoreSubject, wait: () => void): Promise<void> {
	const { store, elsewhere, clock, id, uri, record } = subject;
	const created = record();
	expect(await elsewhere.read(id(''))).toBeUndefined();
	await store.create(id(''), created);
	wait();
	expect(await elsewhere.read(id(''))).toEqual(created);

	expect(await store.update(id(''), { logLevel: 'debug' })).toBe(true);
	wait();
	expect(await elsewhere.read(id(''))).toEqual({ ...created, logLevel: 'debug' });

	expect(await elsewhere.subscribers(uri('a'))).toEqual([]);
	await store.subscribe(id(''), uri('a'), clock.now() + HOUR_MS);
	wait();
	expect(await elsewhere.subscribers(uri('a'))).toEqual([id('')]);
	await store.unsubscribe(id(''), uri('a'));
	wait();
	expect(await elsewhere.subscribers(uri('a'))).toEqual([]);

	await store.delete(id(''));
	wait();
	expect(await elsewhere.read(id(''))).toBeUndefined();
	expect(await elsewhere.update(id(''), { logLevel: 'info' })).toBe(false);
}

function expectDue(seconds: number | undefined, due: number): void {
	// The backend uses its own clock, which runs during the test.
	expect(seconds).toBeGreaterThan(due - LATE_SECONDS / 4);
	expect(seconds).toBeLessThanOrEqual(due + LATE_SECONDS);
}

function patches(subject: SessionStoreSubject, round: number): SessionPatch[] {
	return [
		{ logLevel: round % 2 ? 'debug' : 'error' },
		{ clientInfo: { name: `client ${round}`, version: '2.0.0' } },
		{ clientCapabilities: { experimental: { [`round${round}`]: {} } } },
		{ expiresAtMs: subject.clock.now() + (2 + round) * HOUR_MS },
	];
}

async function expectAllSurvive(subject: SessionStoreSubject): Promise<void> {
	const { store, elsewhere, expected, id, record } = subject;
	const created = record();
	await store.create(id(''), created);
	const second = expected.consistency === 'strong' ? elsewhere : store;
	for (let round = 0; round < ROUNDS; round++) {
		const updates = patches(subject, round);
		const results = await Promise.all(
			updates.map((patch, index) => (index % 2 ? second : store).update(id(''), patch)),
		);
		expect(results).toEqual([true, true, true, true]);
		expect(await store.read(id(''))).toEqual(Object.assign({}, created, ...updates));
	}
}

/** One update may overwrite another, but the record is never a mixture that no update wrote. */
async function expectSomeSurvive(subject: SessionStoreSubject): Promise<void> {
	const { store, id, record } = subject;
	for (let round = 0; round < ROUNDS; round++) {
		const session = id(`-${round}`);
		const created = record();
		await store.create(session, created);
		const updates = patches(subject, round);
		const results = await Promise.all(updates.map((patch) => store.update(session, patch)));
		expect(results).toEqual([true, true, true, true]);
		const read = await store.read(session);
		const survivors = updates.filter((patch) => isPartOf(patch, read));
		expect(survivors.length).toBeGreaterThan(0);
		expect(read).toEqual(Object.assign({}, created, ...survivors));
	}
}

function isPartOf(patch: SessionPatch, record: SessionPatch | undefined): boolean {
	return JSON.stringify({ ...record, ...patch }) === JSON.stringify(record);
}
