import { InvalidSessionIdError, StreamError } from '@tmcp-sessions/core';
import { DurableObjectStreamSessionManager } from '@tmcp-sessions/streams-durable-object';
import type { SyncLayer } from '@tmcp-sessions/streams-durable-object';
import { createCountedDurableObject, ObjectRpcCounter } from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, onTestFinished } from 'vitest';

import { beforeOpening, unreachable } from './fixture/disturbed-namespace.ts';
import { syncLayer } from './fixture/sync-layer.ts';

/** The UTF-16 units that fit into 32 MiB of UTF-8 at three bytes each. */
const MAX_UNITS = 11_184_810;

/** Creates a manager that records its waits, which take no time, and its reports. */
function newManager(binding: DurableObjectNamespace<SyncLayer> = env.TMCP_DURABLE_OBJECT) {
	const errors: Error[] = [];
	const waits: number[] = [];
	const manager = new DurableObjectStreamSessionManager(binding, {
		onError: (error) => void errors.push(error),
		random: () => 1,
		sleep: async (ms) => {
			waits.push(ms);
			// The waits of an inbox do not end.
			if (waits.length > 20) await new Promise((resolve) => setTimeout(resolve, 10));
		},
	});
	const open = async (id: string): Promise<{ received: string[]; close: () => void }> => {
		const received: string[] = [];
		const inbox = await manager.openInbox(id, (message) => void received.push(message));
		onTestFinished(() => inbox.close());
		return { received, close: () => inbox.close() };
	};
	return { manager, errors, waits, open };
}

/** Closes the sockets of a session's inboxes, as a reset of the object does. */
async function loseInboxes(session: string): Promise<void> {
	await runInDurableObject(syncLayer(), (_instance, state) => {
		for (const socket of state.getWebSockets(`inbox:${session}`)) socket.close(1012, 'reset');
	});
}

/** Returns the number of sockets of a session's inboxes. */
function inboxesOf(session: string): Promise<number> {
	return runInDurableObject(
		syncLayer(),
		(_instance, state) => state.getWebSockets(`inbox:${session}`).length,
	);
}

describe('an inbox in the object', () => {
	it('is not a stream: it has one tag, no attachment and no storage', async () => {
		const session = crypto.randomUUID();
		await newManager().open(`${session}:雪`);
		await runInDurableObject(syncLayer(), async (instance, state) => {
			const encoded = encodeURIComponent(`${session}:雪`);
			const sockets = state.getWebSockets(`inbox:${encoded}`);
			expect(sockets.map((socket) => state.getTags(socket))).toEqual([[`inbox:${encoded}`]]);
			expect(sockets.map((socket) => socket.deserializeAttachment() as unknown)).toEqual([null]);
			expect(instance.has(encoded)).toBe(false);
			expect((await state.storage.list()).size).toBe(0);
		});
	});

	it('with a dead socket is not counted, and does not affect others', async () => {
		const session = crypto.randomUUID();
		const { open } = newManager();
		const inboxes = [await open(session), await open(session), await open(session)];
		await runInDurableObject(syncLayer(), (instance, state) => {
			// For a moment the platform still lists a socket that the object has closed, and `send` throws.
			state.getWebSockets(`inbox:${session}`)[1]?.close(1011);
			expect(instance.deliver(session, 'to the others')).toBe(2);
		});
		const receivers = (): number => inboxes.filter(({ received }) => received.length === 1).length;
		await expect.poll(receivers).toBe(2);
	});

	it('receives nothing more after its owner closes it', async () => {
		const session = crypto.randomUUID();
		const received: string[] = [];
		const inbox = await newManager().manager.openInbox(session, (message) => {
			received.push(message);
			inbox.close();
		});
		await runInDurableObject(syncLayer(), (instance) => {
			for (const message of ['first', 'second', 'third']) instance.deliver(session, message);
		});
		await expect.poll(() => inboxesOf(session)).toBe(0);
		expect(received).toEqual(['first']);
	});

	it('stays open when its session ends, so that its request can finish', async () => {
		const session = crypto.randomUUID();
		let sockets = 0;
		const { manager, open } = newManager(beforeOpening(async () => void (sockets += 1)));
		const { received } = await open(session);
		await manager.delete(session);
		expect(await manager.deliver(session, 'after the end')).toBe(1);
		await expect.poll(() => received).toEqual(['after the end']);
		expect(sockets).toBe(1);
	});

	it('costs one RPC for a message, for any number of inboxes', async () => {
		const counter = new ObjectRpcCounter();
		let sockets = 0;
		const counted = beforeOpening(async () => void (sockets += 1));
		const { manager, open } = newManager(createCountedDurableObject(counted, counter));
		const session = crypto.randomUUID();
		for (let opened = 0; opened < 5; opened++) await open(session);
		expect(sockets).toBe(5);
		expect(counter.take()).toEqual([]);
		expect(await manager.deliver(session, 'to all')).toBe(5);
		expect(counter.take()).toEqual(['deliver']);
		expect(sockets).toBe(5);
	});
});

describe('an inbox whose socket is lost', () => {
	it('gets a new socket, and receives messages again', async () => {
		const session = crypto.randomUUID();
		const { manager, errors, open } = newManager();
		const { received } = await open(session);
		await loseInboxes(session);
		await expect.poll(() => manager.deliver(session, 'after the loss')).toBe(1);
		await expect.poll(() => received).toEqual(['after the loss']);
		expect(errors).toEqual([]);
	});

	it('by an error without a close gets a new socket, and the old one does not count', async () => {
		const session = crypto.randomUUID();
		const sockets: WebSocket[] = [];
		const { manager, errors, open } = newManager(
			beforeOpening(
				async () => {},
				(socket) => void sockets.push(socket),
			),
		);
		const { received } = await open(session);
		sockets[0]?.dispatchEvent(new ErrorEvent('error', { message: 'Network connection lost.' }));
		await expect.poll(() => sockets).toHaveLength(2);
		await expect.poll(() => inboxesOf(session)).toBe(1);
		expect(await manager.deliver(session, 'after the error')).toBe(1);
		await expect.poll(() => received).toEqual(['after the error']);
		expect(errors).toEqual([]);
	});

	it('gets a new socket after any number of losses if messages arrive in between', async () => {
		const session = crypto.randomUUID();
		const { manager, errors, waits, open } = newManager();
		const { received } = await open(session);
		const rounds = Array.from({ length: 20 }, (_, index) => `after loss ${index}`);
		for (const round of rounds) {
			await loseInboxes(session);
			await expect.poll(() => manager.deliver(session, round)).toBe(1);
			await expect.poll(() => received.at(-1)).toBe(round);
		}
		expect(received).toEqual(rounds);
		expect(waits).toEqual(rounds.map(() => 100));
		expect(errors).toEqual([]);
	});

	it('hazard deaf-inboxes: is reported to onError after repeated losses without a message, and gets a new socket', async () => {
		const session = crypto.randomUUID();
		const { manager, errors, waits, open } = newManager();
		const { received } = await open(session);
		while (errors.length === 0) await loseInboxes(session);
		expect(errors.map(String)).toEqual([
			'StreamError: [tmcp-sessions/streams-durable-object] holding an inbox failed: closed with 1012',
		]);
		expect(waits.slice(0, 7)).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000]);
		expect(waits.length).toBeLessThan(15);
		await expect.poll(() => manager.deliver(session, 'after all losses')).toBe(1);
		await expect.poll(() => received).toEqual(['after all losses']);
	});

	it('hazard deaf-inboxes: receives messages again after any time without its object, which is reported once', async () => {
		const session = crypto.randomUUID();
		let reason = '';
		const binding = beforeOpening(async () => {
			if (reason) throw new Error(reason);
		});
		const { manager, errors, waits, open } = newManager(binding);
		const { received } = await open(session);
		reason = 'object is overloaded';
		await loseInboxes(session);
		const waitedMs = (): number => waits.reduce((sum, wait) => sum + wait, 0);
		await expect.poll(waitedMs).toBeGreaterThan(10 * 60_000);
		expect(errors.map(String)).toEqual([
			'StreamError: [tmcp-sessions/streams-durable-object] opening an inbox failed: object is overloaded',
		]);
		expect(Math.max(...waits)).toBe(5_000);
		reason = '';
		await expect.poll(() => manager.deliver(session, 'after the outage')).toBe(1);
		await expect.poll(() => received).toEqual(['after the outage']);
		expect(errors).toHaveLength(1);
	});

	it('leaves no socket open if it is closed while the socket is replaced', async () => {
		const session = crypto.randomUUID();
		const gate = Promise.withResolvers<void>();
		const waiting = Promise.withResolvers<void>();
		let slow = false;
		const binding = beforeOpening(async () => {
			if (!slow) return;
			waiting.resolve();
			await gate.promise;
		});
		const { errors, open } = newManager(binding);
		const { received, close } = await open(session);
		slow = true;
		await loseInboxes(session);
		await waiting.promise;
		close();
		gate.resolve();
		await expect.poll(() => inboxesOf(session)).toBe(0);
		expect(received).toEqual([]);
		expect(errors).toEqual([]);
	});

	it('gets no new socket after its owner closes it', async () => {
		const session = crypto.randomUUID();
		let sockets = 0;
		const { errors, open } = newManager(beforeOpening(async () => void (sockets += 1)));
		const { close } = await open(session);
		close();
		await expect.poll(() => inboxesOf(session)).toBe(0);
		expect(sockets).toBe(1);
		expect(errors).toEqual([]);
	});
});

describe('the manager rejects', () => {
	it.each([
		['an empty one', ''],
		['one of 241 bytes after URI encoding (at most 240)', 'x'.repeat(241)],
		['one with an unpaired surrogate', '\ud800'],
	])('an invalid session id: %s', async (reason, id) => {
		const { manager, open } = newManager();
		for (const rejected of [open(id), manager.deliver(id, 'not delivered')]) {
			await expect(rejected).rejects.toThrow(InvalidSessionIdError);
			await expect(rejected).rejects.toThrow(reason);
		}
	});

	it('no session id of the maximum length', async () => {
		const { manager, open } = newManager();
		const { received } = await open('z'.repeat(240));
		expect(await manager.deliver('z'.repeat(240), 'arrives')).toBe(1);
		await expect.poll(() => received).toEqual(['arrives']);
	});

	it('a message over the maximum length before any RPC, and delivers one of that length', async () => {
		const counter = new ObjectRpcCounter();
		const { manager, open } = newManager(
			createCountedDurableObject(env.TMCP_DURABLE_OBJECT, counter),
		);
		const session = crypto.randomUUID();
		const { received } = await open(session);
		const longest = '雪'.repeat(MAX_UNITS);
		const rejected = manager.deliver(session, `${longest}x`);
		await expect(rejected).rejects.toThrow(StreamError);
		await expect(rejected).rejects.toThrow(
			'[tmcp-sessions/streams-durable-object] delivering to inboxes failed: a message must have at most ' +
				'11184810 UTF-16 units; got 11184811. Send less',
		);
		expect(counter.take()).toEqual([]);
		expect(await manager.deliver(session, longest)).toBe(1);
		await expect.poll(() => received.length).toBe(1);
		expect(received[0] === longest).toBe(true);
	}, 20_000);

	it('with a StreamError that names the package if the object is unreachable', async () => {
		const { manager, errors, open } = newManager(unreachable('network lost'));
		const opening = open('a');
		await expect(opening).rejects.toThrow(StreamError);
		await expect(opening).rejects.toThrow(
			'[tmcp-sessions/streams-durable-object] opening an inbox failed: network lost',
		);
		const delivering = manager.deliver('a', 'not delivered');
		await expect(delivering).rejects.toThrow(StreamError);
		await expect(delivering).rejects.toThrow('delivering to inboxes failed: network lost');
		expect(errors).toEqual([]);
	});
});
