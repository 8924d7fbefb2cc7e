import { env } from 'cloudflare:workers';
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';

import { openSocket, streamOf, UPGRADE } from './fixture/sockets.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';

describe('an upgrade request to SyncLayer', () => {
	it('gets 426 if it is not a WebSocket upgrade', async () => {
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
	])('gets 400 if its purpose is invalid: "%s"', async (query) => {
		const response = await syncLayer().fetch(`https://sync-layer.invalid/?${query}`, UPGRADE);
		expect(response.status).toBe(400);
		expect(await response.text()).toBe('Expected a session or a subscription');
	});

	it('gets 400 if its session id exceeds a tag, and is accepted with the longest that fits', async () => {
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

describe('the state of SyncLayer', () => {
	it('includes the sockets, their sessions and their order after hibernation', async () => {
		const session = crypto.randomUUID();
		const older = await streamOf(session);
		const newest = await streamOf(session);
		const instances = new Set<object>();
		const record = (instance: object): void => void instances.add(instance);
		await runInDurableObject(syncLayer(), record);
		await evict();
		await runInDurableObject(syncLayer(), record);
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

	it('is one row and a small attachment for a stream', async () => {
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

describe('a dead, closing or foreign socket', () => {
	it('does not affect messages to other sockets', async () => {
		const sessions = Array.from({ length: 20 }, () => crypto.randomUUID());
		const streams = await Promise.all(sessions.map((session) => streamOf(session)));
		const dead = sessions.filter((_, index) => index % 4 === 0);
		await runInDurableObject(syncLayer(), async (instance, state) => {
			// For a moment the platform still lists a socket that the object has closed, and `send` throws.
			for (const session of dead) state.getWebSockets(`session:${session}`)[0]?.close(1011);
			await instance.broadcast(undefined, 'to all');
			await instance.broadcast(sessions, 'to each');
		});
		const alive = streams.filter((_, index) => index % 4 !== 0);
		await expect
			.poll(() => alive.map(({ received }) => received.join()))
			.toEqual(alive.map(() => 'to all,to each'));
	});

	it('is not an open stream of a session that has ended', async () => {
		const session = crypto.randomUUID();
		await streamOf(session);
		await runInDurableObject(syncLayer(), (instance) => {
			expect(instance.has(session)).toBe(true);
			instance.delete(session);
			expect(instance.has(session)).toBe(false);
		});
	});

	it('is skipped for the next newest socket of its session', async () => {
		const session = crypto.randomUUID();
		const older = await streamOf(session);
		await streamOf(session);
		await runInDurableObject(syncLayer(), async (instance, state) => {
			const sockets = state.getWebSockets(`session:${session}`);
			const channel = (socket: WebSocket): number =>
				Number(socket.deserializeAttachment()?.channel);
			sockets.sort((one, other) => channel(other) - channel(one))[0]?.close(1011);
			await instance.broadcast([session], 'to the older');
		});
		await expect.poll(() => older.received).toEqual(['to the older']);
	});

	it('is ignored if other code has accepted it', async () => {
		const session = crypto.randomUUID();
		const { received } = await streamOf(session);
		await runInDurableObject(syncLayer(), async (instance, state) => {
			for (const attachment of [undefined, 'text', { session: 7 }, { other: 'shape' }]) {
				const { 1: foreign } = new WebSocketPair();
				state.acceptWebSocket(foreign, ['stream', `session:${session}`]);
				if (attachment !== undefined) foreign.serializeAttachment(attachment);
			}
			await instance.broadcast(undefined, 'to all');
			await instance.broadcast([session], 'to one');
		});
		await expect.poll(() => received).toEqual(['to all', 'to one']);
	});

	it('can be closed after the platform has forgotten it', async () => {
		await runInDurableObject(syncLayer(), (instance) => {
			const { 1: forgotten } = new WebSocketPair();
			expect(() => instance.webSocketClose(forgotten)).not.toThrow();
		});
	});

	it('does not affect notifications to other subscriptions', async () => {
		const subscriptions = await Promise.all(
			[1, 2, 3].map(() => openSocket('role=subscription&kind=prompts')),
		);
		const method = 'notifications/prompts/list_changed';
		await runInDurableObject(syncLayer(), async (instance, state) => {
			state.getWebSockets('subscription:prompts')[1]?.close(1011);
			await instance.sendSubscription({ jsonrpc: '2.0', method, params: {} });
		});
		await expect
			.poll(() => subscriptions.filter(({ received }) => received.length === 1).length)
			.toBe(2);
	});

	it('of a subscription receives only the kinds that it selected, and no unknown kind', async () => {
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

/** Returns the number of sockets of a session's streams. */
function socketsOf(session: string): Promise<number> {
	return runInDurableObject(
		env.TMCP_DURABLE_OBJECT.getByName('TMCP_DURABLE_OBJECT'),
		(_instance, state) => state.getWebSockets(`session:${session}`).length,
	);
}
