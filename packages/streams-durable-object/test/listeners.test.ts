import { StreamError } from '@tmcp-sessions/core';
import { fnv1a, runInScope } from '@tmcp-sessions/core/internal';
import { DurableObjectSubscriptionManager } from '@tmcp-sessions/streams-durable-object';
import { runInDurableObject } from 'cloudflare:test';
import type { SubscriptionFilter } from 'tmcp';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { beforeOpening } from './fixture/disturbed-namespace.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';
import { touchedBy } from './fixture/touched.ts';

const manager = new DurableObjectSubscriptionManager();

/** How many sockets the object holds. */
function sockets(): Promise<number> {
	return runInDurableObject(syncLayer(), (_instance, state) => state.getWebSockets().length);
}

// Each test counts what it finds.
beforeEach(() => expect.poll(sockets).toBe(0));

interface Listener {
	/** What it was told, by method and uri. */
	readonly told: string[];
	readonly closed: Promise<string>;
}

/** A listener that the test ends. */
async function listen(
	filters: SubscriptionFilter,
	{ principal = crypto.randomUUID(), on = manager } = {},
): Promise<Listener> {
	const told: string[] = [];
	const closed = Promise.withResolvers<string>();
	const origin = crypto.randomUUID();
	await runInScope({ principal, waitUntil: () => {} }, () =>
		on.create(
			{ id: 1, origin, filters },
			{
				acknowledge: () => {},
				send: ({ method, params }) => void told.push(`${method} ${JSON.stringify(params)}`),
				close: closed.resolve,
			},
		),
	);
	onTestFinished(() => on.closeAll(origin));
	return { told, closed: closed.promise };
}

function uris(count: number, prefix = 'test://'): string[] {
	return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

function updated(uri: string) {
	return { jsonrpc: '2.0' as const, method: 'notifications/resources/updated', params: { uri } };
}

function seen(uri: string): string {
	return `notifications/resources/updated ${JSON.stringify({ uri })}`;
}

/** How many sockets an update of this uri goes to. */
async function sentFor(uri: string): Promise<number> {
	const { frames } = await touchedBy((object) => object.sendSubscription(updated(uri)));
	return frames;
}

const ALL_KINDS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

describe('a listener of uris', () => {
	// Beside one tag of its owner, a socket has nine.
	it.each([
		['one, by a tag', 1, {}],
		['nine, by their tags', 9, {}],
		['six and all kinds of lists, by their tags', 6, ALL_KINDS],
		['seven and all kinds of lists, by its attachment', 7, ALL_KINDS],
		['ten, by its attachment', 10, {}],
		['a thousand, by its attachment', 1_000, {}],
	])(
		'%s: it is told of each once, and of no other, across evictions',
		async (_name, count, kinds) => {
			const asked = uris(count);
			const { told } = await listen({ ...kinds, resourceSubscriptions: asked });
			const other = await listen({ resourceSubscriptions: uris(3, 'other://') });
			await evict();
			const [first = '', last = ''] = [asked[0], asked.at(-1)];
			expect(await sentFor('test://none of them')).toBe(0);
			expect(await sentFor('test://')).toBe(0);
			await manager.send(updated(first));
			await evict();
			await manager.send(updated(last));
			await expect.poll(() => told).toEqual([seen(first), seen(last)]);
			expect(await sentFor(last)).toBe(1);
			expect(other.told).toEqual([]);
		},
	);

	it('is told of those that it asked for also where they are too many to tell the object', async () => {
		const asked = uris(20_000);
		const { told } = await listen({ resourceSubscriptions: asked });
		// The object sends it more than it wants, and its Worker passes on what it wants.
		expect(await sentFor('test://none of them')).toBe(1);
		await manager.send(updated('test://19999'));
		await manager.send(updated('test://0'));
		await expect.poll(() => told).toEqual([seen('test://19999'), seen('test://0')]);
	});

	it('the same uri many times is one', async () => {
		const asked = Array.from({ length: 5_000 }, () => 'test://a');
		const { told } = await listen({ resourceSubscriptions: asked });
		expect(await sentFor('test://b')).toBe(0);
		await manager.send(updated('test://a'));
		await expect.poll(() => told).toEqual([seen('test://a')]);
	});

	it('is not told of a uri with the hash of one that it asked for', async () => {
		const [mine, twin] = ['costarring', 'liquid'];
		expect(fnv1a(mine)).toBe(fnv1a(twin));
		const { told } = await listen({ resourceSubscriptions: [mine] });
		const both = await listen({ resourceSubscriptions: [mine, twin] });
		for (const uri of [twin, mine]) await manager.send(updated(uri));
		await expect.poll(() => both.told).toEqual([seen(twin), seen(mine)]);
		expect(told).toEqual([seen(mine)]);
	});

	it('uris of any length and any characters are told apart', async () => {
		const long = `test://${'雪'.repeat(4_000)}`;
		const asked = [long, 'test://a b', 'test://a%20b', 'test://\ud800', ''];
		const { told } = await listen({ resourceSubscriptions: asked });
		for (const uri of ['test://a+b', `${long}x`, ...asked]) await manager.send(updated(uri));
		await expect.poll(() => told).toEqual(asked.map(seen));
	});

	it('an update without a uri, or with something else than one, is nobody’s', async () => {
		const { told } = await listen({ resourceSubscriptions: ['undefined', '7'] });
		for (const params of [undefined, {}, { uri: 7 }, ['7']]) {
			await manager.send({ jsonrpc: '2.0', method: 'notifications/resources/updated', params });
		}
		await manager.send(updated('7'));
		await expect.poll(() => told).toEqual([seen('7')]);
	});
});

describe('the object, whatever a Worker says', () => {
	it.each([
		['no uris', 'kind=updates'],
		['uris that are no hashes', 'kind=updates&uris=!.%00'],
		['more uris than it takes', `kind=updates&uris=${uris(1_001, '').join('.')}`],
	])('%s: the listener is told of every update', async (_name, query) => {
		const headers = { Upgrade: 'websocket' };
		const address = `https://sync-layer.invalid/?role=subscription&${query}`;
		const { webSocket } = await syncLayer().fetch(address, { headers });
		webSocket?.accept();
		expect(await sentFor('test://any')).toBe(1);
		webSocket?.close(1000);
		await expect.poll(() => sentFor('test://any')).toBe(0);
	});
});

describe('what a listener costs', () => {
	it('one socket, and a client has 1,024 listeners at most: the next is refused, the others stay', async () => {
		const principal = crypto.randomUUID();
		const filters = { toolsListChanged: true };
		const listeners: Listener[] = [];
		for (let opened = 0; opened < 1_024; opened++) {
			listeners.push(await listen(filters, { principal }));
		}
		const refused = listen(filters, { principal });
		await expect(refused).rejects.toThrow(StreamError);
		await expect(refused).rejects.toThrow(
			'opening a stream failed: SyncLayer responded 429: a client may have at most 1024 open subscriptions. End some of them first',
		);
		const other = await listen(filters);
		await manager.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
		await expect.poll(() => other.told).toHaveLength(1);
		await expect.poll(() => listeners.filter(({ told }) => told.length === 1).length).toBe(1_024);
	}, 30_000);

	it('a client that is nobody takes no place from the others who are nobody', async () => {
		await listen({ toolsListChanged: true }, { principal: '' });
		await listen({ toolsListChanged: true }, { principal: '' });
		const owners = await runInDurableObject(syncLayer(), (_instance, state) =>
			state.getWebSockets().map((socket) => state.getTags(socket).find((tag) => /-of:/.test(tag))),
		);
		expect(new Set(owners).size).toBe(2);
	});

	it('a change that is too long for a socket is refused, and closes nobody’s', async () => {
		const errors: string[] = [];
		const reporting = new DurableObjectSubscriptionManager(undefined, {
			onError: (error) => void errors.push(error.message),
		});
		const { told } = await listen({ resourceSubscriptions: ['test://a'] });
		const params = { uri: 'test://a', much: 'x'.repeat(11_184_810) };
		await reporting.send({ jsonrpc: '2.0', method: 'notifications/resources/updated', params });
		expect(errors).toEqual([expect.stringContaining('at most 11184810 UTF-16 units; got 11184')]);
		await reporting.send(updated('test://a'));
		await expect.poll(() => told).toEqual([seen('test://a')]);
	});
});

describe('a listener that is closed while its socket is opened', () => {
	it('is acknowledged first, then closed, and leaves no socket behind', async () => {
		const gate = Promise.withResolvers<void>();
		const slow = new DurableObjectSubscriptionManager(beforeOpening(() => gate.promise));
		const events: string[] = [];
		const creating = slow.create(
			{ id: 1, origin: 'o', filters: { toolsListChanged: true } },
			{
				acknowledge: () => void events.push('acknowledged'),
				send: ({ method }) => void events.push(method),
				close: (reason) => void events.push(reason),
			},
		);
		const closing = slow.closeAll('o', 'closed');
		gate.resolve();
		expect(await creating).toBe(true);
		await closing;
		expect(events).toEqual(['acknowledged', 'closed']);
		await expect.poll(sockets).toBe(0);
		expect(await slow.close(1, 'o', 'closed')).toBe(false);
	});

	it('leaves no socket behind where its acknowledgement fails', async () => {
		const failing = manager.create(
			{ id: 1, origin: 'o', filters: { toolsListChanged: true } },
			{
				acknowledge: () => Promise.reject(new Error('the client has gone')),
				send: () => {},
				close: () => {},
			},
		);
		await expect(failing).rejects.toThrow('the client has gone');
		await expect.poll(sockets).toBe(0);
	});
});
