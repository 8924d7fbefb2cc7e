import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { NoteClient } from './note-client.ts';
import type { NoteStream } from './note-client.ts';

const CLIENTS = 50;
const TOOLS = 'notifications/tools/list_changed';

interface Stats {
	readonly instances: number;
	readonly count: number;
	readonly most: number;
}

describe.each(workerdVersions)('a published change on workerd %s', (version) => {
	let workers: Workers<'a' | 'b'>;

	beforeAll(async () => {
		workers = await startWorkers({
			entry: join(import.meta.dirname, '../fixture/publishing-isolate.ts'),
			workers: ['a', 'b'],
			version,
			kvNamespaces: [],
			durableObjects: {
				TMCP_DURABLE_OBJECT: 'SyncLayer',
				NOTES: 'Notes',
				OFFICIAL: 'OfficialNotes',
			},
		});
	}, 60_000);
	afterAll(() => workers.stop());

	const get = async <Result>(path: string): Promise<Result> =>
		(await (await fetch(new URL(path, workers.url('a')))).json()) as Result;
	const stats = (): Promise<Stats> => get('/stats');
	const counts = (shard = '0'): Promise<{ receivers: number; changes: number }> =>
		get(`/counts?shard=${shard}`);
	const clientOf = (index: number, path = '/mcp', headers = {}): NoteClient =>
		new NoteClient(() => new URL(path, workers.url(index % 2 ? 'a' : 'b')), headers);
	const openSession = (index: number, path?: string): Promise<NoteClient> =>
		clientOf(index, path).open();
	const end = async (clients: readonly NoteClient[], streams: readonly NoteStream[]) => {
		for (const stream of streams) stream.disconnect();
		for (const client of clients) await (await client.send('DELETE')).text();
	};
	const sequence = <Item>(count: number, create: (index: number) => Promise<Item>) =>
		Array.from({ length: count }).reduce<Promise<Item[]>>(
			async (created, _each, index) => [...(await created), await create(index)],
			Promise.resolve([]),
		);

	it('M8 notifications-across-isolates: reaches the streams of 50 of 50 sessions and 50 of 50 subscriptions', async () => {
		const clients = await sequence(CLIENTS, openSession);
		// The other isolate holds the stream.
		const streams = await Promise.all(
			clients.map((client, index) =>
				client.stream(new URL('/mcp', workers.url(index % 2 ? 'b' : 'a'))),
			),
		);
		const subscriptions = await sequence(CLIENTS, (index) =>
			clientOf(index).listen({ toolsListChanged: true }),
		);
		expect(await clients[0]?.publish({ list: 'tools' })).toContain('published');
		expect(await clientOf(1).publishStateless({ list: 'tools' })).toContain('published');
		expect(await get('/publish?list=tools')).toBe('published');
		const all = [...streams, ...subscriptions];
		await Promise.all(all.map((stream) => stream.until(3)));
		expect(
			all.filter(({ changes }) => changes.join() === [TOOLS, TOOLS, TOOLS].join()),
		).toHaveLength(2 * CLIENTS);
		for (const subscription of subscriptions) subscription.disconnect();
		await end(clients, streams);
	}, 120_000);

	it('reaches only the sessions and subscriptions of its resource', async () => {
		const clients = await sequence(10, openSession);
		const streams = await Promise.all(clients.map((client) => client.stream()));
		const [first, second] = clients;
		if (!first || !second) throw new Error('expected two sessions');
		for (const client of [first, second]) {
			await client.request('resources/subscribe', { uri: 'notes://1' });
		}
		await second.request('resources/unsubscribe', { uri: 'notes://1' });
		const subscription = await clientOf(1).listen({ resourceSubscriptions: ['notes://1'] });
		const other = await clientOf(1).listen({ resourceSubscriptions: ['notes://2'] });
		const before = await stats();
		await clients[5]?.publish({ uri: 'notes://1' });
		await streams[0]?.until(1);
		await subscription.until(1);
		await get('/publish?list=resources');
		await Promise.all(streams.map((stream, index) => stream.until(index === 0 ? 2 : 1)));
		const resources = 'notifications/resources/list_changed';
		expect(streams.map(({ changes }) => changes.join())).toEqual([
			`notes://1,${resources}`,
			...Array.from({ length: 9 }).fill(resources),
		]);
		expect(other.changes).toEqual([]);
		expect((await stats()).count - before.count).toBe(11);
		for (const each of [subscription, other]) each.disconnect();
		await end(clients, streams);
	}, 60_000);

	it('L20 event-replay: is replayed to a stream that was cut and is resumed', async () => {
		const client = await openSession(0);
		const stream = await client.stream();
		await client.publish({ list: 'tools' });
		await stream.until(1);
		stream.disconnect();
		for (const uri of ['notes://1', 'notes://2', 'notes://3']) {
			await client.request('resources/subscribe', { uri });
			await get(`/publish?uri=${uri}`);
		}
		const resumed = await client.stream(undefined, stream.lastEventId);
		await client.publish({ list: 'resources' });
		expect(await resumed.until(4)).toEqual([
			'notes://1',
			'notes://2',
			'notes://3',
			'notifications/resources/list_changed',
		]);
		await end([client], [resumed]);
	}, 60_000);

	it('wakes an object that hibernates, if it has a client for it', async () => {
		const clients = await sequence(2, openSession);
		const [one, other] = clients;
		if (!one || !other) throw new Error('expected two sessions');
		const streams = [await one.stream(), await other.stream()];
		await one.request('resources/subscribe', { uri: 'notes://1' });
		await workers.evict({ className: 'Notes' });
		await workers.evict({ className: 'SyncLayer' });
		const before = await stats();
		expect(await get('/publish?uri=notes://1')).toBe('published');
		await streams[0]?.until(1);
		expect((await stats()).instances - before.instances).toBe(1);
		await end(clients, streams);
	}, 60_000);

	it('reaches sessions of the official SDK', async () => {
		const clients = await sequence(4, (index) => openSession(index, '/sdk'));
		const streams = await Promise.all(clients.map((client) => client.stream()));
		await clients[0]?.publish({ list: 'tools' });
		await Promise.all(streams.map((stream) => stream.until(1)));
		expect(streams.map(({ changes }) => changes)).toEqual(clients.map(() => [TOOLS]));
		await end(clients, streams);
	}, 60_000);

	it('reaches all sessions and subscriptions of an identity', async () => {
		const headers = { 'x-team': 'red' };
		const sessions = await sequence(3, (index) => clientOf(index, '/teams', headers).open());
		const streams = await Promise.all(sessions.map((session) => session.stream()));
		const subscription = await clientOf(1, '/teams', { 'x-team': 'blue' }).listen({
			toolsListChanged: true,
			resourceSubscriptions: ['notes://7'],
		});
		const publisher = await openSession(0);
		await publisher.publish({ list: 'tools' });
		await publisher.publish({ uri: 'notes://7' });
		await Promise.all(streams.map((stream) => stream.until(1)));
		expect(await subscription.until(2)).toEqual([TOOLS, 'notes://7']);
		expect(streams.map(({ changes }) => changes)).toEqual(sessions.map(() => [TOOLS]));
		subscription.disconnect();
		await end([...sessions, publisher], streams);
	}, 60_000);

	it('is delivered once and in order while objects and shards are reset', async () => {
		const clients = await sequence(6, openSession);
		const streams = await Promise.all(clients.map((client) => client.stream()));
		const uris = Array.from({ length: 30 }, (_each, index) => `notes://${index}`);
		for (const client of clients) {
			for (const uri of uris) await client.request('resources/subscribe', { uri });
		}
		const published: string[] = [];
		// The older release may not close the sockets of an object that is reset: its streams then wait.
		for (const [index, uri] of uris.entries()) {
			if (index % 3 === 0 && version === 'current') {
				await get(`/reset?object=${clients[index % 6]?.object}`);
			}
			const faults = index % 5 === 0 ? [get(`/reset-shard`)] : [];
			// A publication that fails may have been stored: it is not repeated.
			if ((await get(`/publish?uri=${uri}`)) === 'published') published.push(uri);
			await Promise.all(faults);
		}
		expect(published.length).toBeGreaterThan(20);
		await Promise.all(streams.map((stream) => stream.untilLast(published.at(-1) ?? '')));
		for (const { changes } of streams) {
			expect(changes.filter((uri) => published.includes(uri))).toEqual(published);
			expect(new Set(changes).size).toBe(changes.length);
		}
		await end(clients, streams);
	}, 120_000);

	it.runIf(version === 'current')(
		'is sent by several shards to 1,000 objects',
		async () => {
			const total = async (): Promise<number[]> => {
				const shards = Array.from({ length: 73 }, (_each, index) => counts(`${index}`));
				return (await Promise.all(shards)).map(({ receivers }) => receivers);
			};
			await expect.poll(async () => (await counts()).receivers).toBe(0);
			const streams: NoteStream[] = [];
			for (let first = 0; first < 1_000; first += 25) {
				const opening = Array.from({ length: 25 }, async (_each, index) =>
					(await openSession(first + index)).stream(),
				);
				streams.push(...(await Promise.all(opening)));
			}
			const receivers = await total();
			expect(receivers.reduce((sum, each) => sum + each, 0)).toBe(1_000);
			expect(Math.max(...receivers)).toBe(100);
			expect(await get('/publish?list=tools')).toBe('published');
			await Promise.all(streams.map((stream) => stream.until(1)));
			expect(streams.filter(({ changes }) => changes.join() === TOOLS)).toHaveLength(1_000);
			for (const stream of streams) stream.disconnect();
		},
		240_000,
	);
});
