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

/** Returns the number of sockets to the object. */
function sockets(): Promise<number> {
	return runInDurableObject(syncLayer(), (_instance, state) => state.getWebSockets().length);
}

// Each test counts the sockets of the object.
beforeEach(() => expect.poll(sockets).toBe(0));

interface Subscription {
	/** The received notifications: the method and the parameters as JSON. */
	readonly received: string[];
	readonly closed: Promise<string>;
}

/** Opens a subscription, which ends with the test. */
async function subscribe(
	filters: SubscriptionFilter,
	{
		principal = crypto.randomUUID(),
		client,
		on = manager,
	}: {
		principal?: string;
		client?: string | undefined;
		on?: DurableObjectSubscriptionManager;
	} = {},
): Promise<Subscription> {
	const received: string[] = [];
	const closed = Promise.withResolvers<string>();
	const origin = crypto.randomUUID();
	await runInScope({ principal, client, waitUntil: () => {} }, () =>
		on.create(
			{ id: 1, origin, filters },
			{
				acknowledge: () => {},
				send: ({ method, params }) => void received.push(`${method} ${JSON.stringify(params)}`),
				close: closed.resolve,
			},
		),
	);
	onTestFinished(() => on.closeAll(origin));
	return { received, closed: closed.promise };
}

function uris(count: number, prefix = 'test://'): string[] {
	return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

function updated(uri: string) {
	return { jsonrpc: '2.0' as const, method: 'notifications/resources/updated', params: { uri } };
}

function asReceived(uri: string): string {
	return `notifications/resources/updated ${JSON.stringify({ uri })}`;
}

/** Returns the number of sockets to which the update of a URI is sent. */
async function framesFor(uri: string): Promise<number> {
	const { frames } = await touchedBy((object) => object.sendSubscription(updated(uri)));
	return frames;
}

const ALL_KINDS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

describe('a subscription to resources', () => {
	// A socket has ten tags, one of which names the principal.
	it.each([
		['with one URI, selected by a tag', 1, {}],
		['with nine URIs, selected by tags', 9, {}],
		['with six URIs and all lists, selected by tags', 6, ALL_KINDS],
		['with seven URIs and all lists, selected by its attachment', 7, ALL_KINDS],
		['with ten URIs, selected by its attachment', 10, {}],
		['with a thousand URIs, selected by its attachment', 1_000, {}],
	])(
		'%s: receives each update once and no others, across evictions',
		async (_case, count, kinds) => {
			const selected = uris(count);
			const { received } = await subscribe({ ...kinds, resourceSubscriptions: selected });
			const other = await subscribe({ resourceSubscriptions: uris(3, 'other://') });
			await evict();
			const [first = '', last = ''] = [selected[0], selected.at(-1)];
			expect(await framesFor('test://none of them')).toBe(0);
			expect(await framesFor('test://')).toBe(0);
			await manager.send(updated(first));
			await evict();
			await manager.send(updated(last));
			await expect.poll(() => received).toEqual([asReceived(first), asReceived(last)]);
			expect(await framesFor(last)).toBe(1);
			expect(other.received).toEqual([]);
		},
	);

	it('receives its updates if it has too many URIs for the object to filter', async () => {
		const selected = uris(20_000);
		const { received } = await subscribe({ resourceSubscriptions: selected });
		// The object sends every update, and the Worker filters them.
		expect(await framesFor('test://none of them')).toBe(1);
		await manager.send(updated('test://19999'));
		await manager.send(updated('test://0'));
		await expect.poll(() => received).toEqual([asReceived('test://19999'), asReceived('test://0')]);
	});

	it('counts a repeated URI once', async () => {
		const selected = Array.from({ length: 5_000 }, () => 'test://a');
		const { received } = await subscribe({ resourceSubscriptions: selected });
		expect(await framesFor('test://b')).toBe(0);
		await manager.send(updated('test://a'));
		await expect.poll(() => received).toEqual([asReceived('test://a')]);
	});

	it('does not receive an update of a URI with the same hash', async () => {
		const [own, twin] = ['costarring', 'liquid'];
		expect(fnv1a(own)).toBe(fnv1a(twin));
		const { received } = await subscribe({ resourceSubscriptions: [own] });
		const both = await subscribe({ resourceSubscriptions: [own, twin] });
		for (const uri of [twin, own]) await manager.send(updated(uri));
		await expect.poll(() => both.received).toEqual([asReceived(twin), asReceived(own)]);
		expect(received).toEqual([asReceived(own)]);
	});

	it('distinguishes URIs of any length and any characters', async () => {
		const long = `test://${'雪'.repeat(4_000)}`;
		const selected = [long, 'test://a b', 'test://a%20b', 'test://\ud800', ''];
		const { received } = await subscribe({ resourceSubscriptions: selected });
		for (const uri of ['test://a+b', `${long}x`, ...selected]) await manager.send(updated(uri));
		await expect.poll(() => received).toEqual(selected.map(asReceived));
	});

	it('does not receive an update without a valid URI', async () => {
		const { received } = await subscribe({ resourceSubscriptions: ['undefined', '7'] });
		for (const params of [undefined, {}, { uri: 7 }, ['7']]) {
			await manager.send({ jsonrpc: '2.0', method: 'notifications/resources/updated', params });
		}
		await manager.send(updated('7'));
		await expect.poll(() => received).toEqual([asReceived('7')]);
	});
});

describe('a subscription with an invalid purpose', () => {
	it.each([
		['without hashes', 'kind=updates'],
		['with invalid hashes', 'kind=updates&uris=!.%00'],
		['with too many hashes', `kind=updates&uris=${uris(1_001, '').join('.')}`],
	])('%s: receives every update', async (_case, query) => {
		const headers = { Upgrade: 'websocket' };
		const address = `https://sync-layer.invalid/?role=subscription&${query}`;
		const { webSocket } = await syncLayer().fetch(address, { headers });
		webSocket?.accept();
		expect(await framesFor('test://any')).toBe(1);
		webSocket?.close(1000);
		await expect.poll(() => framesFor('test://any')).toBe(0);
	});
});

describe('subscriptions of a principal', () => {
	it('are limited to 1,024: another is rejected, and the others stay open', async () => {
		const principal = crypto.randomUUID();
		const filters = { toolsListChanged: true };
		const subscriptions: Subscription[] = [];
		for (let opened = 0; opened < 1_024; opened++) {
			subscriptions.push(await subscribe(filters, { principal }));
		}
		const rejected = subscribe(filters, { principal });
		await expect(rejected).rejects.toThrow(StreamError);
		await expect(rejected).rejects.toThrow(
			'opening a stream failed: SyncLayer responded 429: a client may have at most 1024 open subscriptions. End some of them first',
		);
		const other = await subscribe(filters);
		await manager.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
		await expect.poll(() => other.received).toHaveLength(1);
		await expect
			.poll(() => subscriptions.filter(({ received }) => received.length === 1).length)
			.toBe(1_024);
	}, 30_000);

	it('are counted for each client if there is no principal, and for none if it is unknown', async () => {
		const filters = { toolsListChanged: true };
		for (const client of ['one', 'one', 'other', undefined])
			await subscribe(filters, { principal: '', client });
		const owners = await runInDurableObject(syncLayer(), (_instance, state) =>
			state.getWebSockets().map((socket) => state.getTags(socket).find((tag) => /-of:/.test(tag))),
		);
		expect(owners).toHaveLength(4);
		expect(owners.filter((owner) => owner === undefined)).toHaveLength(1);
		expect(new Set(owners).size).toBe(3);
	});

	it('stay open if a notification over the maximum length is rejected', async () => {
		const errors: string[] = [];
		const reporting = new DurableObjectSubscriptionManager(undefined, {
			onError: (error) => void errors.push(error.message),
		});
		const { received } = await subscribe({ resourceSubscriptions: ['test://a'] });
		const params = { uri: 'test://a', padding: 'x'.repeat(11_184_810) };
		await reporting.send({ jsonrpc: '2.0', method: 'notifications/resources/updated', params });
		expect(errors).toEqual([expect.stringContaining('at most 11184810 UTF-16 units; got 11184')]);
		await reporting.send(updated('test://a'));
		await expect.poll(() => received).toEqual([asReceived('test://a')]);
	});
});

describe('a subscription that is closed while its socket is opened', () => {
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

	it('leaves no socket open if its acknowledgement fails', async () => {
		const failing = manager.create(
			{ id: 1, origin: 'o', filters: { toolsListChanged: true } },
			{
				acknowledge: () => Promise.reject(new Error('the client has disconnected')),
				send: () => {},
				close: () => {},
			},
		);
		await expect(failing).rejects.toThrow('the client has disconnected');
		await expect.poll(sockets).toBe(0);
	});
});
