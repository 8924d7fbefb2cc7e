import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import type { InterruptedCall } from '@tmcp-sessions/session-object';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import { callRows, loseCall, objectOf } from './fixture/objects.ts';
import { resetWorld, world } from './fixture/test-session.ts';

afterEach(resetWorld);

describe('one slow tool', () => {
	it(
		'holds up none of the session’s other calls: 5 s beside ten quick ones',
		{ timeout: 15_000 },
		async () => {
			const client = await Client.open();
			let isOver = false;
			const slow = client.call('slow', { ms: 5_000 }).finally(() => (isOver = true));
			for (let count = 1; count <= 10; count++) {
				expect(await client.call('count', { to: count })).toBe(`counted to ${count}`);
			}
			const listed = JSON.parse(await client.call('calls')) as InterruptedCall[];
			expect(isOver).toBe(false);
			expect(listed).toMatchObject([{ tool: 'slow', arguments: { ms: 5_000 }, attempts: 0 }]);
			expect(await slow).toBe('slept');
			expect(await client.call('calls')).toBe('[]');
		},
	);
});

describe('runCall', () => {
	it('may do the work elsewhere and answer for it', async () => {
		world.runCall = async (tool, work) =>
			tool === 'list_notes'
				? { jsonrpc: '2.0', id: 2, result: { content: [{ type: 'text', text: 'handed over' }] } }
				: work();
		const client = await Client.open();
		expect(await client.call('list_notes')).toBe('handed over');
		expect(await client.call('calls')).toBe('[]');
	});
});

describe('waitUntil', () => {
	it('has onError told of a failure that no answer waits for', async () => {
		const client = await Client.open();
		expect(await client.call('later')).toBe('answered');
		await expect.poll(() => world.errors).toEqual(['failed later']);
	});
});

describe('a call in flight', () => {
	it('is noted while it is at work, and a quick one writes no row', async () => {
		const client = await Client.open();
		const rows = (): Promise<number> =>
			runInDurableObject(objectOf(client), (_instance, { storage }) => {
				const [row] = storage.sql.exec<{ changes: number }>('SELECT total_changes() AS changes');
				return row?.changes ?? 0;
			});
		const before = await rows();
		await client.call('list_notes');
		expect(await rows()).toBe(before);
		const slow = client.call('slow', { ms: 300 });
		await expect.poll(() => callRows(client)).toHaveLength(1);
		await slow;
		expect(await callRows(client)).toHaveLength(0);
	});

	it('whose instance was lost is found and resumed by the next one', async () => {
		const client = await Client.open();
		await loseCall(client, { tool: 'slow', arguments: { ms: 1 }, messageId: 7 });
		expect((await client.ask('ping')).status).toBe(200);
		await expect
			.poll(() => world.resumed)
			.toMatchObject([{ tool: 'slow', arguments: { ms: 1 }, attempts: 1 }]);
		await expect.poll(() => callRows(client)).toHaveLength(0);
	});

	it('whose instance was lost is found by the alarm, though nobody comes back', async () => {
		const client = await Client.open();
		const slow = client.call('slow', { ms: 500 });
		await expect.poll(() => callRows(client)).toHaveLength(1);
		const atMs = await runInDurableObject(objectOf(client), (_instance, { storage }) =>
			storage.getAlarm(),
		);
		expect(atMs).toBeLessThanOrEqual(Date.now() + 60_000);
		await slow;
		await loseCall(client, { tool: 'slow', arguments: {}, messageId: 7 });
		expect(await runDurableObjectAlarm(objectOf(client))).toBe(true);
		await expect.poll(() => world.resumed).toHaveLength(1);
	});

	it('that takes its object down again and again is ended', async () => {
		const client = await Client.open();
		await loseCall(client, { tool: 'slow', arguments: {}, messageId: 7, attempts: 3 });
		await client.ask('ping');
		await expect.poll(() => callRows(client)).toHaveLength(0);
		expect(world.resumed).toEqual([]);
	});
});
