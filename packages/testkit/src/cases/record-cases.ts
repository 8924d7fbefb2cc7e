import type { SessionRecord } from '@tmcp-sessions/core/backend';
import { expect } from 'vitest';
import { HOUR_MS } from './session-store-subject.ts';
import type { SessionStoreCase } from './session-store-subject.ts';

const CORRUPT = { name: 'CorruptRecordError', code: 'corrupt-record' };

/** What may lie in the place of a record and is none. */
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

/** The life of one session's record. */
export const recordCases: readonly SessionStoreCase[] = [
	{
		name: 'a created session is read back as it was',
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
		name: 'a session that never was reads as undefined',
		async run({ store, id }) {
			expect(await store.read(id('never'))).toBeUndefined();
		},
	},
	{
		name: 'an update merges its fields and leaves the rest',
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
		name: 'a field that is undefined in a patch is left as it is',
		async run({ store, id, record }) {
			const created = record({ logLevel: 'error' });
			await store.create(id(''), created);
			expect(await store.update(id(''), { logLevel: undefined, clientInfo: undefined })).toBe(true);
			expect(await store.read(id(''))).toEqual(created);
		},
	},
	{
		name: 'nobody shares an object with the store',
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
		name: 'an update of a session that never was returns false and makes none',
		async run({ store, clock, id }) {
			expect(await store.update(id(''), { expiresAtMs: clock.now() + HOUR_MS })).toBe(false);
			expect(await store.read(id(''))).toBeUndefined();
		},
	},
	{
		name: 'an ended session reads as undefined, and a late update does not revive it',
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
		name: 'an ended session stays ended until it would have expired, and after',
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
		name: 'a session expires to the millisecond, however short it lives',
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
		name: 'an update moves the expiry forward, in its last millisecond too',
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
		name: 'a late update does not revive an expired session',
		async run({ store, clock, id, record }) {
			await store.create(id(''), record());
			clock.advance(HOUR_MS);
			expect(await store.update(id(''), { expiresAtMs: clock.now() + HOUR_MS })).toBe(false);
			expect(await store.read(id(''))).toBeUndefined();
		},
	},
	{
		name: 'ending a session that never was, or twice, does nothing',
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
		name: 'ending a session leaves the others',
		async run({ store, id, record }) {
			const kept = record();
			await store.create(id(''), record());
			await store.create(id('2'), kept);
			await store.delete(id(''));
			expect(await store.read(id('2'))).toEqual(kept);
		},
	},
	{
		name: 'a corrupt record is refused with a CorruptRecordError and no update mends it',
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
		name: 'a session with a corrupt record can be ended',
		async run({ store, corrupt, id, record }) {
			await store.create(id(''), record());
			await corrupt(id(''), 'not json');
			await store.delete(id(''));
			expect(await store.read(id(''))).toBeUndefined();
			expect(await store.update(id(''), { logLevel: 'info' })).toBe(false);
		},
	},
];
