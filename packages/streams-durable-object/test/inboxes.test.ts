import { InvalidSessionIdError, StreamError } from '@tmcp-sessions/core';
import { DurableObjectStreamSessionManager } from '@tmcp-sessions/streams-durable-object';
import type { SyncLayer } from '@tmcp-sessions/streams-durable-object';
import { createCountedDurableObject, ObjectRpcCounter } from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, onTestFinished } from 'vitest';

import { beforeOpening, unreachable } from './fixture/disturbed-namespace.ts';
import { syncLayer } from './fixture/sync-layer.ts';

/** Units of UTF-16, of three bytes of UTF-8 at most, that a frame of 32 MiB holds for sure. */
const MOST_UNITS = 11_184_810;

/**
 * A manager whose waits are counted and over at once, what it reported, and how it opens an inbox
 * that the test closes.
 */
function newManager(binding: DurableObjectNamespace<SyncLayer> = env.TMCP_DURABLE_OBJECT) {
	const errors: Error[] = [];
	const waits: number[] = [];
	const manager = new DurableObjectStreamSessionManager(binding, {
		onError: (error) => void errors.push(error),
		random: () => 1,
		sleep: async (ms) => void waits.push(ms),
	});
	const open = async (id: string): Promise<{ received: string[]; close: () => void }> => {
		const received: string[] = [];
		const inbox = await manager.openInbox(id, (message) => void received.push(message));
		onTestFinished(() => inbox.close());
		return { received, close: () => inbox.close() };
	};
	return { manager, errors, waits, open };
}

/** The object loses the inboxes of a session: what a reset does to them. */
async function loseInboxes(session: string): Promise<void> {
	await runInDurableObject(syncLayer(), (_instance, state) => {
		for (const socket of state.getWebSockets(`inbox:${session}`)) socket.close(1012, 'reset');
	});
}

/** How many sockets the object holds for inboxes of a session. */
function inboxesOf(session: string): Promise<number> {
	return runInDurableObject(
		syncLayer(),
		(_instance, state) => state.getWebSockets(`inbox:${session}`).length,
	);
}

describe('an inbox in the object', () => {
	it('is no stream: it has a tag of its own and nothing else', async () => {
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

	it('one dead socket among many stops nobody else’s message, and is not counted', async () => {
		const session = crypto.randomUUID();
		const { open } = newManager();
		const inboxes = [await open(session), await open(session), await open(session)];
		await runInDurableObject(syncLayer(), (instance, state) => {
			// Closed from this side: for a moment the platform still lists it, and sending throws.
			state.getWebSockets(`inbox:${session}`)[1]?.close(1011);
			expect(instance.deliver(session, 'to the living')).toBe(2);
		});
		const tookIt = (): number => inboxes.filter(({ received }) => received.length === 1).length;
		await expect.poll(tookIt).toBe(2);
	});

	it('that its owner closes gets nothing of what is on its way', async () => {
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

	it('stays as it is where its session is ended: its request may finish', async () => {
		const session = crypto.randomUUID();
		let sockets = 0;
		const { manager, open } = newManager(beforeOpening(async () => void (sockets += 1)));
		const { received } = await open(session);
		await manager.delete(session);
		expect(await manager.deliver(session, 'after the end')).toBe(1);
		await expect.poll(() => received).toEqual(['after the end']);
		expect(sockets).toBe(1);
	});

	it('costs one call to the object for a message, whatever the number of inboxes', async () => {
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
	it('gets a new one, and messages arrive again', async () => {
		const session = crypto.randomUUID();
		const { manager, errors, open } = newManager();
		const { received } = await open(session);
		await loseInboxes(session);
		await expect.poll(() => manager.deliver(session, 'after the loss')).toBe(1);
		await expect.poll(() => received).toEqual(['after the loss']);
		expect(errors).toEqual([]);
	});

	it('by an error alone gets a new one, and the old one is counted no more', async () => {
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

	it('gets a new one however often it is lost, as long as messages arrive in between', async () => {
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

	it('is not opened without an end where each is lost at once: onError is told, once', async () => {
		const session = crypto.randomUUID();
		const { manager, errors, waits, open } = newManager();
		await open(session);
		while (errors.length === 0) await loseInboxes(session);
		expect(errors.map(String)).toEqual([
			'StreamError: [tmcp-sessions/streams-durable-object] holding an inbox failed: closed with 1012',
		]);
		expect(waits.slice(0, 7)).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000]);
		expect(waits.length).toBeLessThan(15);
		await expect.poll(() => inboxesOf(session)).toBe(0);
		expect(await manager.deliver(session, 'to nobody')).toBe(0);
	});

	it('says so where the object cannot be reached again', async () => {
		const session = crypto.randomUUID();
		let reason = '';
		const binding = beforeOpening(async () => {
			if (reason) throw new Error(reason);
		});
		const { errors, waits, open } = newManager(binding);
		await open(session);
		reason = 'object is overloaded';
		await loseInboxes(session);
		await expect
			.poll(() => errors.map(String))
			.toEqual([
				'StreamError: [tmcp-sessions/streams-durable-object] opening an inbox failed: object is overloaded',
			]);
		expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(30_000);
	});

	it('leaves no socket behind where it is closed before the new one is there', async () => {
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

	it('gets no new one where its owner closed it', async () => {
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

describe('what is refused', () => {
	it.each([
		['an empty one', ''],
		['one of 241 bytes after URI encoding (at most 240)', 'x'.repeat(241)],
		['one with an unpaired surrogate', '\ud800'],
	])('a session id that is no usable string: %s', async (found, id) => {
		const { manager, open } = newManager();
		for (const refused of [open(id), manager.deliver(id, 'to nobody')]) {
			await expect(refused).rejects.toThrow(InvalidSessionIdError);
			await expect(refused).rejects.toThrow(found);
		}
	});

	it('the longest session id that has a stream has inboxes too', async () => {
		const { manager, open } = newManager();
		const { received } = await open('z'.repeat(240));
		expect(await manager.deliver('z'.repeat(240), 'arrives')).toBe(1);
		await expect.poll(() => received).toEqual(['arrives']);
	});

	it('a message that may be too long for a frame, before anything is called; a shorter one arrives', async () => {
		const counter = new ObjectRpcCounter();
		const { manager, open } = newManager(
			createCountedDurableObject(env.TMCP_DURABLE_OBJECT, counter),
		);
		const session = crypto.randomUUID();
		const { received } = await open(session);
		const longest = '雪'.repeat(MOST_UNITS);
		const refused = manager.deliver(session, `${longest}x`);
		await expect(refused).rejects.toThrow(StreamError);
		await expect(refused).rejects.toThrow(
			'[tmcp-sessions/streams-durable-object] delivering to inboxes failed: a message must have at most ' +
				'11184810 UTF-16 units; got 11184811. Send less',
		);
		expect(counter.take()).toEqual([]);
		expect(await manager.deliver(session, longest)).toBe(1);
		await expect.poll(() => received.length, { timeout: 10_000 }).toBe(1);
		expect(received[0] === longest).toBe(true);
	}, 20_000);

	it('an object out of reach makes a StreamError that names the package', async () => {
		const { manager, errors, open } = newManager(unreachable('network lost'));
		const opening = open('a');
		await expect(opening).rejects.toThrow(StreamError);
		await expect(opening).rejects.toThrow(
			'[tmcp-sessions/streams-durable-object] opening an inbox failed: network lost',
		);
		const delivering = manager.deliver('a', 'to nobody');
		await expect(delivering).rejects.toThrow(StreamError);
		await expect(delivering).rejects.toThrow('delivering to inboxes failed: network lost');
		expect(errors).toEqual([]);
	});
});
