import { InMemorySessionStore } from '@tmcp-sessions/core';
import { createSealing } from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

import { SealedInfoSessionManager } from '../src/index.ts';
import { CLIENT, deployment, newKey, principalOf } from './endpoint.ts';
import type { Isolate } from './endpoint.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const DAY_MS = 86_400_000;

/** Opens two sessions in one isolate of a deployment, and returns another isolate of it. */
async function setUp(): Promise<{ ids: string[]; other: Isolate; operations: string[] }> {
	const { isolate, operations } = deployment(({ now }) => new InMemorySessionStore({ now }));
	const opener = isolate();
	const ids = [await opener.open({ roots: {} }), await opener.open({ sampling: {} })];
	return { ids, other: isolate(), operations };
}

const replaced = (text: string, at: number, by: string): string =>
	text.slice(0, at) + by + text.slice(at + by.length);

describe('a 404 without a read of the storage results from an id that was', () => {
	it.each<[string, (ids: readonly string[]) => string]>([
		['truncated by one character', ([id = '']) => id.slice(0, -1)],
		['truncated to its internal id', ([id = '']) => id.slice(0, 36)],
		['truncated to its version and shard', ([id = '']) => id.slice(0, 4)],
		['extended by one byte', ([id = '']) => `${id}AA`],
		['extended by one character', ([id = '']) => `${id}A`],
		['extended by another id', ([id = '', second = '']) => id + second],
		['combined with another id', ([id = '', second = '']) => id.slice(0, 36) + second.slice(36)],
		['combined at its end', ([id = '', second = '']) => id.slice(0, -20) + second.slice(-20)],
		['moved to another shard', ([id = '']) => replaced(id, 2, '1')],
		['changed to another version', ([id = '']) => replaced(id, 0, '3')],
		['changed to the version of stored sessions', ([id = '']) => replaced(id, 0, '1')],
		['padded', ([id = '']) => `${id}=`],
		['changed to upper case', ([id = '']) => id.toUpperCase()],
		['stripped of its version', ([id = '']) => id.slice(2)],
		['extended beyond the maximum length', ([id = '']) => id + 'A'.repeat(4 * 480)],
	])('%s', async (_, change) => {
		const { ids, other, operations } = await setUp();
		const bad = change(ids);
		for (const answer of [
			await other.call(bad),
			await other.setLogLevel('debug', bad),
			await other.send({ method: 'GET' }, bad),
			await other.end(bad),
		]) {
			expect(answer).toMatchObject({ status: 404, session: '' });
			expect(answer.text).not.toContain(bad);
		}
		expect(operations).toEqual([]);
		expect(other.errors).toEqual([]);
		expect((await other.call(ids[0] ?? '')).status).toBe(200);
	});

	it('spelled with other unused bits in its last character', async () => {
		const { ids, other, operations } = await setUp();
		const { isolate } = deployment();
		const otherDeployment = isolate();
		let tried = 0;
		for (const id of ids) {
			for (const last of ALPHABET) {
				const changed = id.slice(0, -1) + last;
				if (changed === id) continue;
				expect((await other.call(changed)).status).toBe(404);
				tried += 1;
			}
		}
		expect(tried).toBe(126);
		expect(operations).toEqual([]);
		expect((await otherDeployment.call(ids[0] ?? '')).status).toBe(404);
	});

	it('issued to another principal', async () => {
		const { ids, other, operations } = await setUp();
		const [id = ''] = ids;
		expect((await other.call(id)).status).toBe(200);
		operations.length = 0;
		for (const user of ['bob', 'Alice', 'alic', 'alice2', '"alice"', 'alice",null]']) {
			// Even after the isolate has cached it for alice.
			expect((await other.call(id, user)).status).toBe(404);
			expect(await other.info.openSession(id, principalOf(user))).toBeUndefined();
		}
		for (const principal of ['', 'alice', `${principalOf('alice')} `]) {
			expect(await other.info.openSession(id, principal)).toBeUndefined();
		}
		expect(await other.info.openSession(id, principalOf('alice'))).toBeDefined();
		expect(operations).toEqual([]);
	});

	it('sealed with a key that was removed', async () => {
		const { isolate, operations } = deployment(() => new InMemorySessionStore());
		const [old, next] = [newKey(), newKey()];
		const session = await isolate({ keys: [old] }).open();
		// With both keys the id opens, and new ones are sealed with the first key.
		const both = isolate({ keys: [`${next} ${old}`] });
		expect((await both.call(session)).status).toBe(200);
		const newer = await both.open();
		operations.length = 0;
		const after = isolate({ keys: [next] });
		expect((await after.call(session)).status).toBe(404);
		expect((await after.call(newer)).status).toBe(200);
		expect((await isolate({ keys: [old] }).call(newer)).status).toBe(404);
		expect(operations).toEqual(['read']); // The valid id.
	});

	it('sealed for another purpose with the same key', async () => {
		const keys = [newKey()];
		const info = new SealedInfoSessionManager({ keys });
		const text = JSON.stringify([Date.now(), DAY_MS, 0, CLIENT, {}]);
		for (const label of ['tmcp-sessions request state 1.', 'tmcp-sessions session id 1']) {
			const sealed = await createSealing(keys, label).seal(text, '2.0 alice');
			expect(await info.openSession(`2.0.${sealed}`, 'alice')).toBeUndefined();
		}
		// The same text with the right label opens.
		const sealed = await createSealing(keys, 'tmcp-sessions session id 2').seal(text, '2.0 alice');
		expect(await info.openSession(`2.0.${sealed}`, 'alice')).toMatchObject({ id: `2.0.${sealed}` });
	});

	it('sealed in the future, by more than the allowed clock skew', async () => {
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
		const internalId =
			(await here.info.openSession(session, principalOf('alice')))?.internalId ?? '';
		expect(await here.info.getClientInfo(internalId)).toEqual(CLIENT);
		clock.advance(7 * DAY_MS);
		for (const each of [here, isolate()]) {
			expect(await each.info.openSession(session, principalOf('alice'))).toBeUndefined();
			expect(await each.info.getClientInfo(internalId)).toBeUndefined();
			expect((await each.call(session)).status).toBe(404);
			expect((await each.end(session)).status).toBe(404);
		}
		expect(operations).toEqual([]);
	});
});
