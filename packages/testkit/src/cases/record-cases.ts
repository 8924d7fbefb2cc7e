import type { SessionRecord } from '@tmcp-sessions/core/backend';
import { expect } from 'vitest';
import { HOUR_MS } from './session-store-subject.ts';
import type { SessionStoreCase } from './session-store-subject.ts';

const CORRUPT = { name: 'CorruptRecordError', code: 'corrupt-record' };

/** Texts that are not valid records. */
const JUNK = [
	'',
	'not json',
	'null',
	'7',
	'"text"',
	'[]',
	'{}',
	'{"createdAtMs":1,"expiresAtMs":99999999999999',
	'{"createdAtMs":1,"expiresAtMs":"99999999999999"}',
	'{"createdAtMs":1,"expiresAtMs":1e999}',
	'{"createdAtMs":null,"expiresAtMs":99999999999999}',
	'{"createdAtMs":1,"expiresAtMs":99999999999999,"clientInfo":"text"}',
	'{"createdAtMs":1,"expiresAtMs":99999999999999,"clientCapabilities":[]}',
	'{"createdAtMs":1,"expiresAtMs":99999999999999,"logLevel":"toString"}',
];

/** Cases of the record of one session, from its creation to its end. */
export const recordCases: readonly SessionStoreCase[] = [
	{
		name: 'reads back a created session unchanged',
		async run({ store, id, record }) {
			const full = record({
				clientInfo: { name: 'Zoë’s client 🚀', version: '1.0.0-"beta"\n', title: '\u0000 %2F \\' },
				clientCapabilities: { sampling: {}, elicitation: {}, roots: { listChanged: true } },
				logLevel: 'warning',
			});
			const bare: SessionRecord = { createdAtMs: full.createdAtMs, expiresAtMs: full.expiresAtMs };
			await store.create(id('full'), full);
			await store.create(id('bare'), bare);
			expect(await store.read(id('full'))).toEqual(full);
			expect(await store.read(id('bare'))).toEqual(bare);
		},
	},
	{
		name: 'reads undefined for an unknown session',
		async run({ store, id }) {
			expect(await store.read(id('never'))).toBeUndefined();
		},
	},
	{
		name: 'merges the fields of an update and leaves the rest',
		async run({ store, id, record }) {
			const created = record({ clientCapabilities: { sampling: {} } });
			await store.create(id(''), created);
			expect(await store.update(id(''), { logLevel: 'error' })).toBe(true);
			expect(await store.read(id(''))).toEqual({ ...created, logLevel: 'error' });
			const clientInfo = { name: 'renamed', version: '2.0.0' };
			expect(await store.update(id(''), { clientInfo })).toBe(true);
			expect(await store.read(id(''))).toEqual({ ...created, clientInfo, logLevel: 'error' });
		},
	},
	{
		name: 'leaves a field unchanged if it is undefined in the patch',
		async run({ store, id, record }) {
			const created = record({ logLevel: 'error' });
			await store.create(id(''), created);
			expect(await store.update(id(''), { logLevel: undefined, clientInfo: undefined })).toBe(true);
			expect(await store.read(id(''))).toEqual(created);
		},
	},
	{
		name: 'shares no object with its callers',
		async run({ store, id, record }) {
			const created = record({ clientCapabilities: { roots: { listChanged: true } } });
			const before = structuredClone(created);
			await store.create(id(''), created);
			created.clientCapabilities = { sampling: {} };
			if (created.clientInfo) created.clientInfo.name = 'changed after create';
			const read = await store.read(id(''));
			expect(read).toEqual(before);
			if (read?.clientInfo) read.clientInfo.name = 'changed after read';
			expect(await store.read(id(''))).toEqual(before);
		},
	},
	{
		name: 'returns false for an update of an unknown session and creates none',
		async run({ store, clock, id }) {
			expect(await store.update(id(''), { expiresAtMs: clock.now() + HOUR_MS })).toBe(false);
			expect(await store.read(id(''))).toBeUndefined();
		},
	},
	{
		name: 'reads undefined for an ended session, which a late update does not revive',
		async run({ store, clock, id, record }) {
			await store.create(id(''), record());
			await store.delete(id(''));
			expect(await store.read(id(''))).toBeUndefined();
			const late = { logLevel: 'debug', expiresAtMs: clock.now() + 2 * HOUR_MS } as const;
			expect(await store.update(id(''), late)).toBe(false);
			expect(await store.read(id(''))).toBeUndefined();
		},
	},
	{
		name: 'keeps an ended session ended before and after its expiry',
		async run({ store, clock, id, record }) {
			await store.create(id(''), record());
			await store.delete(id(''));
			for (const ms of [HOUR_MS - 1, 1, HOUR_MS]) {
				clock.advance(ms);
				expect(await store.read(id(''))).toBeUndefined();
				expect(await store.update(id(''), { expiresAtMs: clock.now() + HOUR_MS })).toBe(false);
			}
			expect(await store.read(id(''))).toBeUndefined();
		},
	},
	{
		name: 'expires a session to the millisecond, however short its lifetime',
		async run({ store, clock, id, record }) {
			const short = record({ expiresAtMs: clock.now() + 500 });
			const long = record();
			await store.create(id('short'), short);
			await store.create(id('long'), long);
			clock.advance(499);
			expect(await store.read(id('short'))).toEqual(short);
			clock.advance(1);
			expect(await store.read(id('short'))).toBeUndefined();
			clock.advance(HOUR_MS - 501);
			expect(await store.read(id('long'))).toEqual(long);
			clock.advance(1);
			expect(await store.read(id('long'))).toBeUndefined();
		},
	},
	{
		name: 'moves the expiry with an update, even in the last millisecond',
		async run({ store, clock, id, record }) {
			await store.create(id(''), record());
			clock.advance(HOUR_MS - 1);
			const expiresAtMs = clock.now() + 2 * HOUR_MS;
			expect(await store.update(id(''), { expiresAtMs })).toBe(true);
			clock.advance(2 * HOUR_MS - 1);
			expect(await store.read(id(''))).toMatchObject({ expiresAtMs });
			clock.advance(1);
			expect(await store.read(id(''))).toBeUndefined();
		},
	},
	{
		name: 'does not revive an expired session with a late update',
		async run({ store, clock, id, record }) {
			await store.create(id(''), record());
			clock.advance(HOUR_MS);
			expect(await store.update(id(''), { expiresAtMs: clock.now() + HOUR_MS })).toBe(false);
			expect(await store.read(id(''))).toBeUndefined();
		},
	},
	{
		name: 'ignores the end of an unknown or ended session',
		async run({ store, id, record }) {
			await store.delete(id('never'));
			expect(await store.read(id('never'))).toBeUndefined();
			await store.create(id('twice'), record());
			await store.delete(id('twice'));
			await store.delete(id('twice'));
			expect(await store.read(id('twice'))).toBeUndefined();
		},
	},
	{
		name: 'ends no other session',
		async run({ store, id, record }) {
			const kept = record();
			await store.create(id(''), record());
			await store.create(id('2'), kept);
			await store.delete(id(''));
			expect(await store.read(id('2'))).toEqual(kept);
		},
	},
	{
		name: 'rejects every read and update of a corrupt record with CorruptRecordError',
		async run({ store, corrupt, id, record }) {
			for (const [index, junk] of JUNK.entries()) {
				const session = id(`-${index}`);
				await store.create(session, record());
				await corrupt(session, junk);
				await expect(store.read(session), junk).rejects.toMatchObject(CORRUPT);
				await expect(store.update(session, { logLevel: 'info' }), junk).rejects.toMatchObject(
					CORRUPT,
				);
				await expect(store.read(session), junk).rejects.toMatchObject(CORRUPT);
			}
		},
	},
	{
		name: 'ends a session whose record is corrupt',
		async run({ store, corrupt, id, record }) {
			await store.create(id(''), record());
			await corrupt(id(''), 'not json');
			await store.delete(id(''));
			expect(await store.read(id(''))).toBeUndefined();
			expect(await store.update(id(''), { logLevel: 'info' })).toBe(false);
		},
	},
];
