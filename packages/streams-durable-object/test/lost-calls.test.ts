import { newCallStream } from '@tmcp-sessions/core/internal';
import { DurableObjectStreamSessionManager } from '@tmcp-sessions/streams-durable-object';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, onTestFinished } from 'vitest';

import { frameOf, rowsWrittenBy } from './fixture/rows.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';

/** How long an inbox may take to reconnect. */
const RECONNECT_MS = 20_000;

const manager = new DurableObjectStreamSessionManager();

function callStream(): string {
	return newCallStream(1) ?? '';
}

/** Moves what the object remembers of lost calls into the past. */
async function pass(ms: number): Promise<void> {
	await runInDurableObject(syncLayer(), (_instance, { storage }) => {
		storage.sql.exec("UPDATE tmcp_meta SET value = value - ? WHERE key LIKE 'absent:%'", ms);
	});
}

function absentCalls(session: string): Promise<number> {
	return runInDurableObject(
		syncLayer(),
		(_instance, { storage }) =>
			storage.sql.exec('SELECT 1 FROM tmcp_meta WHERE key LIKE ?', `absent:${session} %`).toArray()
				.length,
	);
}

async function openInbox(session: string, call: string): Promise<{ close: () => void }> {
	const inbox = await manager.openInbox(session, () => {}, call);
	onTestFinished(() => inbox.close());
	return inbox;
}

describe('hazard running-calls: a message for one call', () => {
	it('is for the inbox of that call only', async () => {
		const session = crypto.randomUUID();
		const [one, other] = [callStream(), callStream()];
		const received: string[] = [];
		for (const call of [one, other]) {
			const inbox = await manager.openInbox(
				session,
				(text) => void received.push(text + call),
				call,
			);
			onTestFinished(() => inbox.close());
		}
		await evict();
		expect(await manager.deliver(session, 'to ', one)).toBe(1);
		await expect.poll(() => received).toEqual([`to ${one}`]);
	});

	it('finds a call lost only after 20 seconds without an inbox, also if the object was evicted', async () => {
		const session = crypto.randomUUID();
		const call = callStream();
		expect(await manager.deliver(session, 'resumed', call)).toBe(1);
		await pass(RECONNECT_MS - 1_000);
		await evict();
		expect(await manager.deliver(session, 'resumed', call)).toBe(1);
		await pass(2_000);
		expect(await manager.deliver(session, 'resumed', call)).toBe(0);
	});

	it('starts over whenever an inbox of the call was open, however briefly', async () => {
		const session = crypto.randomUUID();
		const call = callStream();
		expect(await manager.deliver(session, 'resumed', call)).toBe(1);
		await pass(RECONNECT_MS);
		const inbox = await openInbox(session, call);
		inbox.close();
		await expect
			.poll(() =>
				runInDurableObject(
					syncLayer(),
					(_instance, state) => state.getWebSockets(`inbox:${session}`).length,
				),
			)
			.toBe(0);
		expect(await manager.deliver(session, 'resumed', call)).toBe(1);
		await pass(RECONNECT_MS);
		expect(await manager.deliver(session, 'resumed', call)).toBe(0);
	});

	it('finds no call lost whose response is stored', async () => {
		const session = crypto.randomUUID();
		const call = callStream();
		await manager.keepCall(session, {
			stream: call,
			first: 1,
			frames: [frameOf('response')],
			isComplete: true,
		});
		await pass(RECONNECT_MS);
		expect(await manager.deliver(session, 'resumed', call)).toBe(1);
		expect(await absentCalls(session)).toBe(0);
	});

	it('is of its session: the inbox of another one with the same call does not count', async () => {
		const session = crypto.randomUUID();
		const call = callStream();
		await openInbox(`${session}0`, call);
		expect(await manager.deliver(session, 'resumed', call)).toBe(1);
		await pass(RECONNECT_MS);
		expect(await manager.deliver(session, 'resumed', call)).toBe(0);
	});

	it('writes no row for a call that has an inbox', async () => {
		const session = crypto.randomUUID();
		const call = callStream();
		await openInbox(session, call);
		const rows = await rowsWrittenBy((object) => {
			expect(object.deliver(session, 'resumed', call)).toBe(1);
		});
		expect(rows).toBe(0);
	});

	it('stores at most 256 absent calls of a session, and none for longer than messages are kept', async () => {
		const session = crypto.randomUUID();
		for (let asked = 0; asked < 300; asked++) {
			expect(await manager.deliver(session, 'resumed', callStream())).toBe(1);
		}
		expect(await absentCalls(session)).toBeLessThanOrEqual(256);
		await pass(60 * 60_000);
		await runDurableObjectAlarm(syncLayer());
		expect(await absentCalls(session)).toBe(0);
	});
});
