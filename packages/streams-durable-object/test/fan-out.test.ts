import { fnv1a } from '@tmcp-sessions/core/internal';
import type { SyncLayer } from '@tmcp-sessions/streams-durable-object';
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';

import { frameOf } from './fixture/rows.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';
import { touchedBy } from './fixture/touched.ts';

const UPGRADE = { headers: { Upgrade: 'websocket' } };

/** Opens sockets. @returns a function that returns the number of messages that they received. */
async function openSockets(addresses: readonly string[]): Promise<() => number> {
	let received = 0;
	for (const address of addresses) {
		const { webSocket } = await syncLayer().fetch(
			`https://sync-layer.invalid/?${address}`,
			UPGRADE,
		);
		if (!webSocket) throw new Error('expected a socket');
		webSocket.addEventListener('message', ({ data }) => {
			if (!String(data).endsWith('\ndata:\n\n')) received += 1;
		});
		webSocket.accept();
	}
	return () => received;
}

function streamsOf(sessions: readonly string[]): Promise<() => number> {
	return openSockets(sessions.map((session) => `role=stream&session=${session}`));
}

function subscriptionTo(uris: readonly string[]): string {
	const hashes = uris.map((uri) => fnv1a(uri).toString(36));
	return `role=subscription&kind=updates&uris=${hashes.join('.')}`;
}

async function closeAll(): Promise<void> {
	await runInDurableObject(syncLayer(), (_instance, state) => {
		for (const socket of state.getWebSockets()) socket.close(1000);
		state.storage.sql.exec('DELETE FROM tmcp_histories');
	});
	const left = (): Promise<number> =>
		runInDurableObject(syncLayer(), (_instance, state) => state.getWebSockets().length);
	await expect.poll(left).toBe(0);
}

function updated(object: SyncLayer, uri: string): Promise<void> {
	const method = 'notifications/resources/updated';
	return object.sendSubscription({ jsonrpc: '2.0', method, params: { uri } });
}

describe('a publish', () => {
	it(
		'to ten sessions uses the sockets and rows of these ten, among 20 streams and among 600',
		{ timeout: 30_000 },
		async () => {
			const all = Array.from({ length: 600 }, () => crypto.randomUUID());
			const ten = all.slice(0, 10);
			// Unknown sessions are looked up too, one at a time.
			const named = [...ten, ...Array.from({ length: 5 }, () => crypto.randomUUID())];
			const toTen = (object: SyncLayer): Promise<void> =>
				object.broadcast(named, frameOf('to ten'));
			const received = await streamsOf(all.slice(0, 20));
			await evict();
			await touchedBy(toTen);
			const amongFew = await touchedBy(toTen);
			const more = await streamsOf(all.slice(20));
			await evict();
			await touchedBy(toTen);
			const amongMany = await touchedBy(toTen);
			expect(amongMany).toEqual(amongFew);
			expect(amongMany).toMatchObject({ sockets: 10, frames: 10, attachments: 10, rowsWritten: 1 });
			expect(amongMany.rowsRead).toBeLessThan(5);
			await expect.poll(received).toBe(40);
			expect(more()).toBe(0);
			await closeAll();
		},
	);

	it('to all uses each socket once, and the same rows for any number of them', async () => {
		const toAll = (object: SyncLayer): Promise<void> =>
			object.broadcast(undefined, frameOf('to all'));
		const few = Array.from({ length: 10 }, () => crypto.randomUUID());
		await streamsOf(few);
		await touchedBy(toAll);
		const toFew = await touchedBy(toAll);
		expect(toFew).toMatchObject({ sockets: 10, frames: 10, attachments: 10, rowsWritten: 1 });
		await streamsOf(Array.from({ length: 190 }, () => crypto.randomUUID()));
		const { rowsRead, ...toMany } = await touchedBy(toAll);
		expect(toMany).toEqual({ sockets: 200, frames: 200, attachments: 200, rowsWritten: 1 });
		expect(rowsRead).toBe(toFew.rowsRead);
		await closeAll();
	});

	it('to streams of one isolate sends one message for up to 16 of a group', async () => {
		const inGroups = (sessions: readonly string[]): string[] =>
			sessions.map(
				(session, member) =>
					`role=stream&session=${session}&group=isolate.${Math.floor(member / 64)}&member=${member}`,
			);
		const sessions = Array.from({ length: 130 }, () => crypto.randomUUID());
		const received = await openSockets(inGroups(sessions));
		const toAll = (object: SyncLayer): Promise<void> =>
			object.broadcast(undefined, frameOf('to all'));
		expect(await touchedBy(toAll)).toMatchObject({ frames: 9, attachments: 130, rowsWritten: 1 });
		const some = sessions.slice(60, 68);
		const toSome = (object: SyncLayer): Promise<void> => object.broadcast(some, frameOf('to some'));
		expect(await touchedBy(toSome)).toMatchObject({ frames: 2, attachments: 8, rowsWritten: 1 });
		const one = sessions.slice(0, 1);
		const toOne = (object: SyncLayer): Promise<void> => object.broadcast(one, frameOf('to one'));
		expect(await touchedBy(toOne)).toMatchObject({ frames: 1, attachments: 1, rowsWritten: 1 });
		await expect.poll(received).toBe(12);
		await closeAll();
	});

	it('after hibernation uses the same rows and sockets', async () => {
		const sessions = Array.from({ length: 50 }, () => crypto.randomUUID());
		await streamsOf(sessions);
		const toOne = (object: SyncLayer): Promise<void> =>
			object.broadcast(sessions.slice(0, 1), frameOf('to one'));
		await runInDurableObject(syncLayer(), async (instance) => {
			for (let sent = 0; sent < 40; sent++) await toOne(instance);
		});
		const awake = await touchedBy(toOne);
		await evict();
		const woken = await touchedBy(toOne);
		expect(woken).toEqual(awake);
		await closeAll();
	});

	it('of a resource update uses the sockets of its subscriptions, among 10 others and among 310', async () => {
		const subscription = subscriptionTo(['test://own', 'test://own too']);
		const own = await openSockets([subscription, subscription]);
		const other = (_: unknown, index: number): string => subscriptionTo([`test://others/${index}`]);
		const others = await openSockets(Array.from({ length: 10 }, other));
		const update = (object: SyncLayer): Promise<void> => updated(object, 'test://own');
		const amongFew = await touchedBy(update);
		const more = await openSockets(Array.from({ length: 310 }, other));
		await openSockets(['role=subscription&kind=tools&kind=prompts&kind=resources']);
		await streamsOf(Array.from({ length: 20 }, () => crypto.randomUUID()));
		expect(await touchedBy(update)).toEqual(amongFew);
		expect(amongFew).toMatchObject({ sockets: 2, frames: 2, rowsRead: 0, rowsWritten: 0 });
		await expect.poll(own).toBe(4);
		expect(others() + more()).toBe(0);
		await closeAll();
	});

	it('of a list change uses the sockets of its subscriptions', async () => {
		const kinds = ['tools', 'prompts', 'resources'];
		await openSockets(kinds.map((kind) => `role=subscription&kind=${kind}`));
		await openSockets(Array.from({ length: 50 }, () => subscriptionTo(['test://a'])));
		const both = await openSockets(['role=subscription&kind=tools&kind=prompts']);
		const method = 'notifications/tools/list_changed';
		const change = (object: SyncLayer): Promise<void> =>
			object.sendSubscription({ jsonrpc: '2.0', method });
		expect(await touchedBy(change)).toMatchObject({ sockets: 2, frames: 2, attachments: 0 });
		await expect.poll(both).toBe(1);
		await closeAll();
	});
});
