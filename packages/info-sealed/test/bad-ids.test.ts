import { InMemorySessionStore } from '@tmcp-sessions/core';
import { createSealing } from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

import { SealedInfoSessionManager } from '../src/index.ts';
import { CLIENT, deployment, newKey, principalOf } from './endpoint.ts';
import type { Isolate } from './endpoint.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const DAY_MS = 86_400_000;

/** Two ids of one deployment, and another isolate of it whose storage is counted. */
async function setUp(): Promise<{ ids: string[]; there: Isolate; operations: string[] }> {
	const { isolate, operations } = deployment(({ now }) => new InMemorySessionStore({ now }));
	const here = isolate();
	const ids = [await here.open({ roots: {} }), await here.open({ sampling: {} })];
	return { ids, there: isolate(), operations };
}

const replaced = (text: string, at: number, by: string): string =>
	text.slice(0, at) + by + text.slice(at + by.length);

describe('an id is a 404, and no storage is asked, that was', () => {
	it.each<[string, (ids: readonly string[]) => string]>([
		['cut short by a character', ([id = '']) => id.slice(0, -1)],
		['cut to its name', ([id = '']) => id.slice(0, 36)],
		['cut to its beginning', ([id = '']) => id.slice(0, 4)],
		['given one byte more', ([id = '']) => `${id}AA`],
		['given one character more', ([id = '']) => `${id}A`],
		['given a second one behind it', ([id = '', other = '']) => id + other],
		['put together of two', ([id = '', other = '']) => id.slice(0, 36) + other.slice(36)],
		['put together at its end', ([id = '', other = '']) => id.slice(0, -20) + other.slice(-20)],
		['sent from another shard', ([id = '']) => replaced(id, 2, '1')],
		['sent as of another version', ([id = '']) => replaced(id, 0, '3')],
		['sent as a stored one', ([id = '']) => replaced(id, 0, '1')],
		['spelled with padding', ([id = '']) => `${id}=`],
		['spelled in capitals', ([id = '']) => id.toUpperCase()],
		['sent without its version', ([id = '']) => id.slice(2)],
		['longer than any', ([id = '']) => id + 'A'.repeat(4 * 480)],
	])('%s', async (_, change) => {
		const { ids, there, operations } = await setUp();
		const bad = change(ids);
		for (const answer of [
			await there.call(bad),
			await there.setLogLevel('debug', bad),
			await there.send({ method: 'GET' }, bad),
			await there.end(bad),
		]) {
			expect(answer).toMatchObject({ status: 404, session: '' });
			expect(answer.text).not.toContain(bad);
		}
		expect(operations).toEqual([]);
		expect(there.errors).toEqual([]);
		expect((await there.call(ids[0] ?? '')).status).toBe(200);
	});

	it('spelled with other bits in its last character, which stand for no byte', async () => {
		const { ids, there, operations } = await setUp();
		const { isolate } = deployment();
		const here = isolate();
		let tried = 0;
		for (const id of ids) {
			for (const last of ALPHABET) {
				const other = id.slice(0, -1) + last;
				if (other === id) continue;
				expect((await there.call(other)).status).toBe(404);
				tried += 1;
			}
		}
		expect(tried).toBe(126);
		expect(operations).toEqual([]);
		expect((await here.call(ids[0] ?? '')).status).toBe(404); // another deployment
	});

	it('opened by somebody else', async () => {
		const { ids, there, operations } = await setUp();
		const [id = ''] = ids;
		expect((await there.call(id)).status).toBe(200);
		operations.length = 0;
		for (const user of ['bob', 'Alice', 'alic', 'alice2', '"alice"', 'alice",null]']) {
			// Also where it is remembered as that of alice.
			expect((await there.call(id, user)).status).toBe(404);
			expect(await there.info.openSession(id, principalOf(user))).toBeUndefined();
		}
		for (const principal of ['', 'alice', `${principalOf('alice')} `]) {
			expect(await there.info.openSession(id, principal)).toBeUndefined();
		}
		expect(await there.info.openSession(id, principalOf('alice'))).toBeDefined();
		expect(operations).toEqual([]);
	});

	it('sealed with a key that was removed', async () => {
		const { isolate, operations } = deployment(() => new InMemorySessionStore());
		const [old, next] = [newKey(), newKey()];
		const session = await isolate({ keys: [old] }).open();
		// While both are there it opens, and new ones are sealed with the first.
		const both = isolate({ keys: [`${next} ${old}`] });
		expect((await both.call(session)).status).toBe(200);
		const newer = await both.open();
		operations.length = 0;
		const after = isolate({ keys: [next] });
		expect((await after.call(session)).status).toBe(404);
		expect((await after.call(newer)).status).toBe(200);
		expect((await isolate({ keys: [old] }).call(newer)).status).toBe(404);
		expect(operations).toEqual(['read']); // of the one that is good
	});

	it('sealed for something else with the same key', async () => {
		const keys = [newKey()];
		const info = new SealedInfoSessionManager({ keys });
		const text = JSON.stringify([Date.now(), DAY_MS, 0, CLIENT, {}]);
		for (const label of ['tmcp-sessions request state 1.', 'tmcp-sessions session id 1']) {
			const sealed = await createSealing(keys, label).seal(text, '2.0 alice');
			expect(await info.openSession(`2.0.${sealed}`, 'alice')).toBeUndefined();
		}
		// What the label makes the difference of.
		const sealed = await createSealing(keys, 'tmcp-sessions session id 2').seal(text, '2.0 alice');
		expect(await info.openSession(`2.0.${sealed}`, 'alice')).toMatchObject({ id: `2.0.${sealed}` });
	});

	it('sealed in the future, beyond what clocks may differ', async () => {
		const { clock, isolate, operations } = deployment(() => new InMemorySessionStore());
		const ahead = (ms: number): Isolate => isolate({ now: () => clock.now() + ms });
		const [near, far] = [await ahead(60_000).open(), await ahead(60_001).open()];
		expect((await isolate().call(far)).status).toBe(404);
		expect(operations).toEqual([]);
		expect((await isolate().call(near)).status).toBe(200);
	});

	it('expired', async () => {
		const { clock, isolate, operations } = deployment(() => new InMemorySessionStore());
		const here = isolate();
		const session = await here.open();
		const name = (await here.info.openSession(session, principalOf('alice')))?.internalId ?? '';
		expect(await here.info.getClientInfo(name)).toEqual(CLIENT);
		clock.advance(7 * DAY_MS);
		for (const each of [here, isolate()]) {
			expect(await each.info.openSession(session, principalOf('alice'))).toBeUndefined();
			expect(await each.info.getClientInfo(name)).toBeUndefined();
			expect((await each.call(session)).status).toBe(404);
			expect((await each.end(session)).status).toBe(404);
		}
		expect(operations).toEqual([]);
	});
});
