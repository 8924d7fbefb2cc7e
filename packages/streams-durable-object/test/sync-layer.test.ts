import { env } from 'cloudflare:workers';
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, onTestFinished } from 'vitest';

import { evict, syncLayer } from './fixture/sync-layer.ts';

const UPGRADE = { headers: { Upgrade: 'websocket' } };

/** A socket as a Worker holds it, and what it was sent: without ids, and what a stream begins with. */
async function openSocket(query: string): Promise<{ socket: WebSocket; received: string[] }> {
	const { webSocket } = await syncLayer().fetch(`https://sync-layer.invalid/?${query}`, UPGRADE);
	if (!webSocket) throw new Error('expected a socket');
	const received: string[] = [];
	webSocket.addEventListener('message', ({ data }) => {
		const frame = String(data);
		if (!frame.includes('retry: ')) received.push(frame.replace(/^id: \S+\n/, ''));
	});
	webSocket.accept();
	onTestFinished(() => webSocket.close(1000));
	return { socket: webSocket, received };
}

function streamOf(session: string): Promise<{ socket: WebSocket; received: string[] }> {
	return openSocket(new URLSearchParams({ role: 'stream', session }).toString());
}

describe('what SyncLayer refuses', () => {
	it('answers 426 to a request that is no WebSocket upgrade', async () => {
		const response = await syncLayer().fetch('https://sync-layer.invalid/?role=stream&session=a');
		expect(response.status).toBe(426);
		expect(await response.text()).toBe('Expected a WebSocket upgrade');
	});

	it.each([
		'',
		'role=stream',
		'role=stream&session=',
		'role=inbox',
		'role=owner&session=a',
		'session=a',
	])('answers 400 to an upgrade that names no purpose: "%s"', async (query) => {
		const response = await syncLayer().fetch(`https://sync-layer.invalid/?${query}`, UPGRADE);
		expect(response.status).toBe(400);
		expect(await response.text()).toBe('Expected a session or a subscription');
	});

	it('answers 400 to a session id that no tag can hold, and takes the longest that one can', async () => {
		const tooLong = `role=stream&session=${'x'.repeat(241)}`;
		const response = await syncLayer().fetch(`https://sync-layer.invalid/?${tooLong}`, UPGRADE);
		expect(response.status).toBe(400);
		await response.body?.cancel();
		const longest = 'y'.repeat(240);
		const { received } = await streamOf(longest);
		await syncLayer().broadcast([longest], 'arrives');
		await expect.poll(() => received).toEqual(['arrives']);
	});
});

describe('what SyncLayer keeps', () => {
	it('a new instance after a wake-up knows the sockets, their sessions and their order', async () => {
		const session = crypto.randomUUID();
		const older = await streamOf(session);
		const newest = await streamOf(session);
		const instances = new Set<object>();
		const note = (instance: object): void => void instances.add(instance);
		await runInDurableObject(syncLayer(), note);
		await evict();
		await runInDurableObject(syncLayer(), note);
		expect(instances.size).toBe(2);

		const third = await streamOf(session);
		await evict();
		await syncLayer().broadcast([session], 'to the third');
		await expect.poll(() => third.received).toEqual(['to the third']);
		third.socket.close(1000);
		await expect.poll(() => socketsOf(session)).toBe(2);
		await syncLayer().broadcast([session], 'to the second');
		await expect.poll(() => newest.received).toEqual(['to the second']);
		expect(older.received).toEqual([]);
	});

	it('keeps of a stream one row and a small attachment', async () => {
		const session = crypto.randomUUID();
		await streamOf(session);
		await runInDurableObject(syncLayer(), async (_instance, state) => {
			expect((await state.storage.list()).size).toBe(0);
			const attachment: unknown = state
				.getWebSockets(`session:${session}`)[0]
				?.deserializeAttachment();
			expect(attachment).toMatchObject({ session, isCurrent: true, isSuperseded: false });
			expect(JSON.stringify(attachment).length).toBeLessThan(512);
			const rows = state.storage.sql.exec(
				'SELECT * FROM tmcp_histories WHERE session = ?',
				session,
			);
			expect(rows.toArray()).toHaveLength(1);
		});
	});
});

describe('sockets that are dead, closing or foreign', () => {
	it('one dead socket among many ends nobody else’s message', async () => {
		const sessions = Array.from({ length: 20 }, () => crypto.randomUUID());
		const streams = await Promise.all(sessions.map(streamOf));
		const dead = sessions.filter((_, index) => index % 4 === 0);
		await runInDurableObject(syncLayer(), (instance, state) => {
			// Closed from this side: for a moment the platform still lists it, and sending throws.
			for (const session of dead) state.getWebSockets(`session:${session}`)[0]?.close(1011);
			instance.broadcast(undefined, 'to all');
			instance.broadcast(sessions, 'to each');
		});
		const alive = streams.filter((_, index) => index % 4 !== 0);
		await expect
			.poll(() => alive.map(({ received }) => received.join()))
			.toEqual(alive.map(() => 'to all,to each'));
	});

	it('a session that was ended has no stream from then on, though its sockets are still closing', async () => {
		const session = crypto.randomUUID();
		await streamOf(session);
		await runInDurableObject(syncLayer(), (instance) => {
			expect(instance.has(session)).toBe(true);
			instance.delete(session);
			expect(instance.has(session)).toBe(false);
		});
	});

	it('a session whose newest socket is dead is told on the one before', async () => {
		const session = crypto.randomUUID();
		const older = await streamOf(session);
		await streamOf(session);
		await runInDurableObject(syncLayer(), (instance, state) => {
			const sockets = state.getWebSockets(`session:${session}`);
			const channel = (socket: WebSocket): number =>
				Number(socket.deserializeAttachment()?.channel);
			sockets.sort((one, other) => channel(other) - channel(one))[0]?.close(1011);
			instance.broadcast([session], 'to the older');
		});
		await expect.poll(() => older.received).toEqual(['to the older']);
	});

	it('a socket that something else accepted is left alone and stops nothing', async () => {
		const session = crypto.randomUUID();
		const { received } = await streamOf(session);
		await runInDurableObject(syncLayer(), (instance, state) => {
			for (const attachment of [undefined, 'text', { session: 7 }, { other: 'shape' }]) {
				const { 1: foreign } = new WebSocketPair();
				state.acceptWebSocket(foreign, ['stream', `session:${session}`]);
				if (attachment !== undefined) foreign.serializeAttachment(attachment);
			}
			instance.broadcast(undefined, 'to all');
			instance.broadcast([session], 'to one');
		});
		await expect.poll(() => received).toEqual(['to all', 'to one']);
	});

	it('the close of a socket that the platform no longer knows throws nothing', async () => {
		await runInDurableObject(syncLayer(), (instance) => {
			const { 1: forgotten } = new WebSocketPair();
			expect(() => instance.webSocketClose(forgotten)).not.toThrow();
		});
	});

	it('a listener’s socket that is dead ends nobody else’s notification', async () => {
		const listeners = await Promise.all(
			[1, 2, 3].map(() => openSocket('role=subscription&kind=prompts')),
		);
		const method = 'notifications/prompts/list_changed';
		await runInDurableObject(syncLayer(), (instance, state) => {
			state.getWebSockets('subscription:prompts')[1]?.close(1011);
			instance.sendSubscription({ jsonrpc: '2.0', method, params: {} });
		});
		await expect
			.poll(() => listeners.filter(({ received }) => received.length === 1).length)
			.toBe(2);
	});

	it('a listener is told the kinds that it asked for, and unknown kinds are nobody’s', async () => {
		const { received } = await openSocket('role=subscription&kind=tools&kind=nonsense');
		for (const method of ['prompts/list_changed', 'nonsense', 'tools/list_changed']) {
			const notification = {
				jsonrpc: '2.0' as const,
				method: `notifications/${method}`,
				params: {},
			};
			await syncLayer().sendSubscription(notification);
		}
		await expect.poll(() => received).toHaveLength(1);
		expect(received[0]).toContain('tools/list_changed');
	});
});

/** How many sockets the object holds for a session. */
function socketsOf(session: string): Promise<number> {
	return runInDurableObject(
		env.TMCP_DURABLE_OBJECT.getByName('TMCP_DURABLE_OBJECT'),
		(_instance, state) => state.getWebSockets(`session:${session}`).length,
	);
}
