import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';

import {
	acceptSocket,
	addressOf,
	openSocket,
	streamOf,
	streamQuery,
	UPGRADE,
} from './fixture/sockets.ts';
import type { OpenedSocket } from './fixture/sockets.ts';
import { syncLayer } from './fixture/sync-layer.ts';

const MANY = 300;

/** Opens a stream of each of many sessions, in the order in which a message is sent to them. */
async function openMany(): Promise<{ sessions: string[]; streams: OpenedSocket[] }> {
	const sessions = Array.from({ length: MANY }, () => crypto.randomUUID());
	const streams: OpenedSocket[] = [];
	for (const session of sessions) streams.push(await streamOf(session));
	return { sessions, streams };
}

/** Waits until each stream has exactly these messages. */
async function expectEach(streams: readonly OpenedSocket[], messages: string): Promise<void> {
	await expect
		.poll(() => new Set(streams.map(({ received }) => received.join())))
		.toEqual(new Set([messages]));
}

describe('a message to many sessions', { timeout: 30_000 }, () => {
	it('lets the object serve other requests before it has reached all', async () => {
		const { sessions, streams } = await openMany();
		const order: string[] = [];
		const sending = syncLayer()
			.broadcast(undefined, 'to all')
			.then(() => order.push('sent'));
		const asking = syncLayer()
			.has(sessions[0] ?? '')
			.then(() => order.push('served'));
		await Promise.all([sending, asking]);
		expect(order).toEqual(['served', 'sent']);
		await expectEach(streams, 'to all');
	});

	it('arrives in the order of the messages, also of those to one session', async () => {
		const { sessions, streams } = await openMany();
		const last = sessions.at(-1) ?? '';
		await runInDurableObject(syncLayer(), async (instance) => {
			await Promise.all([
				instance.broadcast(undefined, 'one'),
				instance.broadcast(sessions, 'two'),
				instance.broadcast([last], 'three'),
				instance.broadcast(undefined, 'four'),
			]);
		});
		await expectEach(streams.slice(0, -1), 'one,two,four');
		await expectEach(streams.slice(-1), 'one,two,three,four');
	});

	it('arrives once at a stream that is opened or resumed meanwhile', async () => {
		const { sessions, streams } = await openMany();
		const [opening = '', resuming = '', stale = ''] = sessions.slice(-3);
		await syncLayer().broadcast(undefined, 'before');
		await expectEach(streams, 'before');
		const resumedAfter = streams.at(-2)?.lastEventId();
		const oldEvent = streams.at(-1)?.lastEventId();
		const object = syncLayer();
		let isSent = false;
		const sending = object.broadcast(undefined, 'meanwhile').then(() => (isSent = true));
		// The object has logged the message when it answers this.
		await object.has(opening);
		const upgrades = [streamQuery(opening), streamQuery(resuming, resumedAfter)].map((query) =>
			object.fetch(addressOf(query), UPGRADE),
		);
		const [opened, resumed] = (await Promise.all(upgrades)).map(acceptSocket);
		expect(isSent).toBe(false);
		await sending;
		const late = await streamOf(stale, oldEvent);
		await syncLayer().broadcast(undefined, 'after');
		// The older stream of the session got the message that was sent before the newer one opened.
		await expect.poll(() => opened?.received).toEqual(['after']);
		expect(streams.at(-3)?.received).toEqual(['before', 'meanwhile']);
		await expect.poll(() => resumed?.received).toEqual(['meanwhile', 'after']);
		await expect.poll(() => late.received).toEqual(['meanwhile', 'after']);
		await expectEach(streams.slice(0, -3), 'before,meanwhile,after');
	});

	it('reaches the older stream of a session whose newest closes meanwhile, and none that has ended', async () => {
		const { sessions, streams } = await openMany();
		const [closing = '', ended = ''] = sessions.slice(-2);
		await streamOf(closing);
		await runInDurableObject(syncLayer(), async (instance, state) => {
			const sending = instance.broadcast(undefined, 'to all');
			const channelOf = (socket: WebSocket): number => socket.deserializeAttachment().channel;
			const [newest] = state
				.getWebSockets(`session:${closing}`)
				.toSorted((one, other) => channelOf(other) - channelOf(one));
			newest?.close(1011);
			instance.delete(ended);
			await sending;
		});
		await expectEach(streams.slice(0, -1), 'to all');
		expect(streams.at(-1)?.received).toEqual([]);
	});
});

describe('a notification to many subscriptions', { timeout: 30_000 }, () => {
	it('lets the object serve other requests meanwhile, and arrives in order', async () => {
		const sockets: OpenedSocket[] = [];
		for (let opened = 0; opened < MANY; opened++)
			sockets.push(await openSocket('role=subscription&kind=tools&kind=prompts'));
		const object = syncLayer();
		const order: string[] = [];
		const notify = async (kind: string): Promise<unknown> => {
			const method = `notifications/${kind}/list_changed`;
			await object.sendSubscription({ jsonrpc: '2.0', method });
			return order.push(kind);
		};
		const sending = [notify('tools'), notify('prompts')];
		const asking = object.has('none').then(() => order.push('served'));
		await Promise.all([...sending, asking]);
		expect(order).toEqual(['served', 'tools', 'prompts']);
		const kinds = ({ received }: OpenedSocket): string =>
			received.map((text) => text.split('/')[1]).join();
		await expect.poll(() => new Set(sockets.map(kinds))).toEqual(new Set(['tools,prompts']));
	});
});
