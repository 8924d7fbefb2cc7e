import { DurableObjectStreamSessionManager } from '@tmcp-sessions/streams-durable-object';
import { OpenStream } from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';

import { beforeOpening } from './fixture/disturbed-namespace.ts';
import { frameOf } from './fixture/rows.ts';
import { syncLayer } from './fixture/sync-layer.ts';

/** Creates a manager that records its waits, which take no time, and whose connections can fail. */
function newManager() {
	const errors: string[] = [];
	const waits: number[] = [];
	const connection = { attempts: 0, isBroken: false, gate: Promise.resolve() };
	const binding = beforeOpening(async () => {
		connection.attempts += 1;
		await connection.gate;
		if (connection.isBroken) throw new Error('object is overloaded');
	});
	const manager = new DurableObjectStreamSessionManager(binding, {
		onError: (error) => void errors.push(error.message),
		random: () => 1,
		sleep: async (ms) => void waits.push(ms),
	});
	return { manager, errors, waits, connection };
}

/** Closes sockets of a session in the object, those of its oldest streams first. */
async function loseStreams(session: string, count = Infinity): Promise<void> {
	await runInDurableObject(syncLayer(), (_instance, state) => {
		const sockets = state.getWebSockets(`session:${session}`);
		const channel = (socket: WebSocket): number => Number(socket.deserializeAttachment()?.channel);
		sockets.sort((one, other) => channel(one) - channel(other));
		for (const socket of sockets.slice(0, count)) socket.close(1012, 'lost');
	});
}

function socketsOf(session: string): Promise<number> {
	return runInDurableObject(
		syncLayer(),
		(_instance, state) =>
			state.getWebSockets(`session:${session}`).filter(({ readyState }) => readyState === 1).length,
	);
}

describe('a stream whose socket is lost', () => {
	it('continues after the last event that was written, without a report', async () => {
		const { manager, errors } = newManager();
		const id = crypto.randomUUID();
		const stream = await OpenStream.open(manager, id);
		await manager.send([id], frameOf('before'));
		await stream.until('before');
		await loseStreams(id);
		await manager.send([id], frameOf('meanwhile'));
		await expect.poll(() => socketsOf(id)).toBe(1);
		await manager.send([id], frameOf('after'));
		await stream.until('after');
		expect(stream.messages).toEqual(['before', 'meanwhile', 'after']);
		expect(stream.events.filter(({ data }) => !data)).toHaveLength(1);
		expect(errors).toEqual([]);
		await stream.cancel();
	});

	it('backs off for 30 s in all, and is then closed and reported to onError', async () => {
		const { manager, errors, waits, connection } = newManager();
		const id = crypto.randomUUID();
		const stream = await OpenStream.open(manager, id);
		connection.isBroken = true;
		await loseStreams(id);
		await stream.ended;
		expect(waits.slice(0, 7)).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000]);
		expect(Math.max(...waits)).toBe(5_000);
		expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(30_000);
		expect(errors).toEqual([
			'[tmcp-sessions/streams-durable-object] opening a stream failed: object is overloaded',
		]);
		// The client reconnects and receives what it missed.
		connection.isBroken = false;
		await manager.send([id], frameOf('missed'));
		const again = await OpenStream.open(manager, id, stream.lastEventId);
		await again.until('missed');
		await again.cancel();
	});

	it('is closed if the object repeatedly accepts and drops its socket', async () => {
		const { manager, errors, waits } = newManager();
		const id = crypto.randomUUID();
		const stream = await OpenStream.open(manager, id);
		await stream.until('\n\n');
		const dropping = (async () => {
			while (errors.length === 0) await loseStreams(id);
		})();
		await stream.ended;
		await dropping;
		expect(waits.length).toBeLessThan(15);
		expect(errors).toEqual([expect.stringContaining('holding a stream failed: closed with 1012')]);
	});

	it('does not become the newest stream of its session, nor does a superseded one', async () => {
		const { manager } = newManager();
		const id = crypto.randomUUID();
		const old = await OpenStream.open(manager, id);
		await old.until('\n\n');
		const resumed = await OpenStream.open(manager, id, old.lastEventId);
		const newest = await OpenStream.open(manager, id);
		for (const lost of [1, 2]) {
			await loseStreams(id, lost);
			await expect.poll(() => socketsOf(id)).toBe(3);
			await manager.send([id], frameOf(`to the newest ${lost}`));
			await newest.until(`to the newest ${lost}`);
		}
		await newest.cancel();
		await expect.poll(() => socketsOf(id)).toBe(2);
		await loseStreams(id);
		await expect.poll(() => socketsOf(id)).toBe(2);
		await manager.send([id], frameOf('to the resumed'));
		await resumed.until('to the resumed');
		expect(old.messages).toEqual([]);
		expect(resumed.messages).toEqual(['to the resumed']);
		expect(newest.messages).toEqual(['to the newest 1', 'to the newest 2']);
		await Promise.all([old.cancel(), resumed.cancel()]);
	});

	it('leaves no socket open if its client disconnects while the socket is replaced', async () => {
		const { manager, errors, connection } = newManager();
		const id = crypto.randomUUID();
		const stream = await OpenStream.open(manager, id);
		const gate = Promise.withResolvers<void>();
		connection.gate = gate.promise;
		await loseStreams(id);
		await expect.poll(() => connection.attempts).toBe(2);
		await stream.cancel();
		gate.resolve();
		await expect.poll(() => socketsOf(id)).toBe(0);
		expect(errors).toEqual([]);
		expect(connection.attempts).toBe(2);
	});

	it('ends if its session ends while the socket is replaced', async () => {
		const { manager, errors, connection } = newManager();
		const id = crypto.randomUUID();
		const stream = await OpenStream.open(manager, id);
		await stream.until('\n\n');
		const gate = Promise.withResolvers<void>();
		connection.gate = gate.promise;
		await loseStreams(id);
		await expect.poll(() => connection.attempts).toBe(2);
		await manager.delete(id);
		gate.resolve();
		await stream.ended;
		expect(connection.attempts).toBe(2);
		expect(errors).toEqual([]);
	});
});
