import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import type { InterruptedCall } from '@tmcp-sessions/session-object';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import { journaledCalls, leaveInterruptedCall, objectOf } from './fixture/objects.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

describe('a slow tool call', () => {
	it(
		'does not delay ten quick calls of its session while it runs for 5 s',
		{ timeout: 15_000 },
		async () => {
			const client = await Client.open();
			let hasEnded = false;
			const slow = client.call('slow', { ms: 5_000 }).finally(() => (hasEnded = true));
			for (let count = 1; count <= 10; count++) {
				expect(await client.call('count', { to: count })).toBe(`counted to ${count}`);
			}
			const listed = JSON.parse(await client.call('calls')) as InterruptedCall[];
			expect(hasEnded).toBe(false);
			expect(listed).toMatchObject([{ tool: 'slow', arguments: { ms: 5_000 }, attempts: 0 }]);
			expect(await slow).toBe('slept');
			expect(await client.call('calls')).toBe('[]');
		},
	);
});

describe('runCall', () => {
	it('can respond in place of the tool', async () => {
		testState.runCall = async (tool, execute) =>
			tool === 'list_notes'
				? { jsonrpc: '2.0', id: 2, result: { content: [{ type: 'text', text: 'replaced' }] } }
				: execute();
		const client = await Client.open();
		expect(await client.call('list_notes')).toBe('replaced');
		expect(await client.call('calls')).toBe('[]');
	});
});

describe('waitUntil', () => {
	it('reports a rejection to onError after the response was sent', async () => {
		const client = await Client.open();
		expect(await client.call('later')).toBe('answered');
		await expect.poll(() => testState.errors).toEqual(['failed later']);
	});
});

describe('a call in flight', () => {
	it('is journaled while it runs, and writes no row if it is quick', async () => {
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
		await expect.poll(() => journaledCalls(client)).toHaveLength(1);
		await slow;
		expect(await journaledCalls(client)).toHaveLength(0);
	});

	it('is resumed by the next instance after its own is lost', async () => {
		const client = await Client.open();
		await leaveInterruptedCall(client, { tool: 'slow', arguments: { ms: 1 }, messageId: 7 });
		expect((await client.request('ping')).status).toBe(200);
		await expect
			.poll(() => testState.resumed)
			.toMatchObject([{ tool: 'slow', arguments: { ms: 1 }, attempts: 1 }]);
		await expect.poll(() => journaledCalls(client)).toHaveLength(0);
	});

	it('is resumed by the alarm if no request follows the loss of its instance', async () => {
		const client = await Client.open();
		const slow = client.call('slow', { ms: 500 });
		await expect.poll(() => journaledCalls(client)).toHaveLength(1);
		const atMs = await runInDurableObject(objectOf(client), (_instance, { storage }) =>
			storage.getAlarm(),
		);
		expect(atMs).toBeLessThanOrEqual(Date.now() + 60_000);
		await slow;
		await leaveInterruptedCall(client, { tool: 'slow', arguments: {}, messageId: 7 });
		expect(await runDurableObjectAlarm(objectOf(client))).toBe(true);
		await expect.poll(() => testState.resumed).toHaveLength(1);
	});

	it('is abandoned after it has terminated its object three times', async () => {
		const client = await Client.open();
		await leaveInterruptedCall(client, { tool: 'slow', arguments: {}, messageId: 7, attempts: 3 });
		await client.request('ping');
		await expect.poll(() => journaledCalls(client)).toHaveLength(0);
		expect(testState.resumed).toEqual([]);
	});
});
