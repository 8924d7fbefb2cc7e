import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { runInScope } from '@tmcp-sessions/core/internal';
import { createInterceptedDurableObject, OpenStream } from '@tmcp-sessions/testkit';
import type { ObjectRpc } from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { frameOf } from './fixture/rows.ts';
import { syncLayer } from './fixture/sync-layer.ts';

const SHARDS = ['0', 'weur0', 'weur1', 'oc0'];
const ROOT = 'TMCP_DURABLE_OBJECT';

/** A notification as a server sends it. */
const CHANGE = { jsonrpc: '2.0' as const, method: 'notifications/tools/list_changed' };

/**
 * Creates both managers of an isolate that has not discovered any shards, over the real objects.
 *
 * @param before called before each RPC, which it can delay or fail.
 * @param after called before the result of each RPC is returned, which it can delay.
 */
function newIsolate(
	before: (call: ObjectRpc) => unknown = () => {},
	after: (call: ObjectRpc) => unknown = () => {},
) {
	const calls: string[] = [];
	const errors: string[] = [];
	const binding = createInterceptedDurableObject(env.TMCP_DURABLE_OBJECT, async (call, proceed) => {
		calls.push(call.object);
		await before(call);
		const result = await proceed();
		await after(call);
		return result;
	});
	const options = { onError: (error: Error) => void errors.push(error.message) };
	return {
		calls,
		errors,
		streams: new DurableObjectStreamSessionManager(binding, options),
		subscriptions: new DurableObjectSubscriptionManager(binding, options),
	};
}

/** Opens a subscription in a shard. @returns the methods of its notifications. */
async function subscribeIn(shard: string): Promise<string[]> {
	const received: string[] = [];
	const manager = new DurableObjectSubscriptionManager();
	await runInScope({ shard, waitUntil: () => {} }, () =>
		manager.create(
			{ id: 1, origin: crypto.randomUUID(), filters: { toolsListChanged: true } },
			{
				acknowledge: () => {},
				send: ({ method }) => void received.push(method),
				close: () => {},
			},
		),
	);
	return received;
}

const nameOf = (shard: string): string => (shard === '0' ? ROOT : `${ROOT}/${shard}`);

describe('publishing', () => {
	const opened = new DurableObjectStreamSessionManager();
	let sessions: string[];
	let streams: OpenStream[];

	beforeEach(async () => {
		sessions = SHARDS.map((shard) => `1.${shard}.${crypto.randomUUID()}.mac`);
		streams = await Promise.all(sessions.map((id) => OpenStream.open(opened, id)));
	});
	afterEach(() => Promise.all(streams.map((stream) => stream.cancel())));

	it('to all streams and subscriptions in one turn costs one RPC for each shard, and sends once to each', async () => {
		const isolate = newIsolate();
		const received = await Promise.all(SHARDS.map(subscribeIn));
		for (const round of ['cold: the root first', 'warm: all at once']) {
			isolate.calls.length = 0;
			await Promise.all([
				isolate.subscriptions.send(CHANGE),
				isolate.streams.send(undefined, frameOf(round)),
			]);
			expect(isolate.calls.toSorted()).toEqual(SHARDS.map(nameOf).toSorted());
			await Promise.all(streams.map((stream) => stream.until(round)));
		}
		for (const stream of streams) expect(stream.messages).toHaveLength(2);
		await expect.poll(() => received.map(({ length }) => length)).toEqual(SHARDS.map(() => 2));
		expect(isolate.errors).toEqual([]);
	});

	it('to sessions costs one RPC for each of their shards, and none for others', async () => {
		const isolate = newIsolate();
		const [, weur0 = '', weur1 = ''] = sessions;
		await isolate.streams.send([weur0, weur1, `${weur0}x`, weur0], frameOf('to two'));
		expect(isolate.calls.toSorted()).toEqual([nameOf('weur0'), nameOf('weur1')]);
		await Promise.all([streams[1]?.until('to two'), streams[2]?.until('to two')]);
		expect(streams.map(({ messages }) => messages.length)).toEqual([0, 1, 1, 0]);
		await isolate.streams.send([], frameOf('to none'));
		expect(isolate.calls).toHaveLength(2);
	});

	it('in one turn arrives in order, to some sessions or to all', async () => {
		const isolate = newIsolate();
		const [, weur0 = ''] = sessions;
		await Promise.all([
			isolate.streams.send([weur0], frameOf('1')),
			isolate.streams.send(undefined, frameOf('2')),
			isolate.streams.send([weur0], frameOf('3')),
		]);
		await streams[1]?.until('"3"');
		expect(streams[1]?.messages).toEqual(['1', '2', '3']);
		expect(isolate.calls).toHaveLength(SHARDS.length);
	});

	it('does not overtake messages that wait for the shards from the root', async () => {
		const responses: (() => void)[] = [];
		const isolate = newIsolate(
			() => {},
			({ object }) =>
				object === ROOT && new Promise<void>((resolve) => void responses.push(resolve)),
		);
		const [, weur0 = ''] = sessions;
		const sending: Promise<void>[] = [];
		const scope = { waitUntil: () => {} };
		/** Sends in a separate turn, and waits for the RPC to the root. */
		const send = async (to: string[] | undefined, message: string): Promise<void> => {
			const before = responses.length;
			sending.push(runInScope(scope, () => isolate.streams.send(to, frameOf(message))));
			await expect.poll(() => responses.length).toBe(before + 1);
		};
		await send(undefined, '1');
		await send(undefined, '2');
		await send([weur0], '3');
		responses[0]?.();
		await streams[1]?.until('"1"');
		// The shard is discovered now, but the second message has not arrived yet.
		await send([weur0], '4');
		await send(undefined, '5');
		for (const answer of responses) {
			answer();
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		await Promise.all(sending);
		await streams[1]?.until('"5"');
		expect(streams[1]?.messages).toEqual(['1', '2', '3', '4', '5']);
		for (const stream of [streams[0], streams[2], streams[3]]) {
			await stream?.until('"5"');
			expect(stream?.messages).toEqual(['1', '2', '5']);
		}
		// No message waits for the root any more.
		const after = responses.length;
		await isolate.streams.send([weur0], frameOf('6'));
		expect(responses).toHaveLength(after);
		expect(isolate.errors).toEqual([]);
	});

	it.each([
		['a shard', nameOf('weur1'), [1, 1, 0, 1]],
		['the root after the shards are discovered', ROOT, [0, 1, 1, 1]],
	])(
		'reaches the others if %s fails, which each manager reports to onError',
		async (_case, broken, received) => {
			let isBroken = false;
			const isolate = newIsolate(({ object }) => {
				if (isBroken && object === broken) throw new Error('object is overloaded');
			});
			await isolate.streams.send(undefined, frameOf('discovers the shards'));
			await Promise.all(streams.map((stream) => stream.until('discovers the shards')));
			isBroken = true;
			await Promise.all([
				isolate.streams.send(undefined, frameOf('to all')),
				isolate.subscriptions.send(CHANGE),
			]);
			const isReceiver = (index: number): boolean => received[index] === 1;
			await Promise.all(
				streams
					.filter((_stream, index) => isReceiver(index))
					.map((stream) => stream.until('to all')),
			);
			expect(streams.map(({ messages }) => messages.length - 1)).toEqual(received);
			expect(isolate.errors).toEqual([
				'[tmcp-sessions/streams-durable-object] sending to streams failed: object is overloaded',
				'[tmcp-sessions/streams-durable-object] notifying subscriptions failed: object is overloaded',
			]);
			isBroken = false;
			await isolate.streams.send(undefined, frameOf('repaired'));
			await Promise.all(streams.map((stream) => stream.until('repaired')));
		},
	);

	it('does not wait for an RPC of another turn that hangs', async () => {
		const gate = Promise.withResolvers<void>();
		const isolate = newIsolate(({ object }) => object === nameOf('oc0') && gate.promise);
		const slow = isolate.streams.send([sessions[3] ?? ''], frameOf('slow'));
		await Promise.resolve();
		await isolate.streams.send([sessions[0] ?? ''], frameOf('quick'));
		gate.resolve();
		await slow;
		await streams[3]?.until('slow');
	});

	it('of one request uses one stub for each shard, and a new one after a failure', async () => {
		const stubs: string[] = [];
		let isBroken = false;
		const intercepted = createInterceptedDurableObject(
			env.TMCP_DURABLE_OBJECT,
			async (_call, proceed) => {
				if (isBroken) throw new Error('object is overloaded');
				return proceed();
			},
		);
		const recording = new Proxy(intercepted, {
			get(target, key) {
				const member: unknown = Reflect.get(target, key);
				if (key !== 'getByName') return member;
				return (name: string) => {
					stubs.push(name);
					return target.getByName(name);
				};
			},
		});
		const errors: string[] = [];
		const onError = (error: Error): void => void errors.push(error.message);
		const manager = new DurableObjectStreamSessionManager(recording, { onError });
		const [, weur0 = ''] = sessions;
		const scope = { waitUntil: () => {} };
		const send = (message: string): Promise<void> =>
			runInScope(scope, async () => manager.send([weur0], frameOf(message)));
		await send('1');
		await send('2');
		expect(stubs).toEqual([nameOf('weur0')]);
		isBroken = true;
		await send('lost');
		isBroken = false;
		await send('3');
		expect(stubs).toHaveLength(2);
		await runInScope({ waitUntil: () => {} }, async () => manager.send([weur0], frameOf('4')));
		expect(stubs).toHaveLength(3);
		await streams[1]?.until('"4"');
		expect(streams[1]?.messages).toEqual(['1', '2', '3', '4']);
		expect(errors).toHaveLength(1);
	});

	it('fails for an unserializable message only, and settles', async () => {
		const isolate = newIsolate();
		const cyclic: Record<string, unknown> = {};
		cyclic['self'] = cyclic;
		await isolate.subscriptions.send({ ...CHANGE, params: cyclic });
		expect(isolate.errors).toEqual([expect.stringContaining('notifying subscriptions failed')]);
		await isolate.streams.send(undefined, frameOf('afterwards'));
		await Promise.all(streams.map((stream) => stream.until('afterwards')));
	});

	it('is split into RPCs in order if the messages of a turn exceed one', async () => {
		const isolate = newIsolate();
		const [, weur0 = ''] = sessions;
		const large = 'x'.repeat(4_000_000);
		await Promise.all(
			['1', '2', '3', '4'].map((each) => isolate.streams.send([weur0], frameOf(each + large))),
		);
		await expect.poll(() => streams[1]?.messages.length).toBe(4);
		expect(streams[1]?.messages.map((message) => String(message)[0])).toEqual(['1', '2', '3', '4']);
		expect(isolate.calls).toHaveLength(2);
	});

	it('to all writes one row in each shard', async () => {
		const rows = (): Promise<number[]> =>
			Promise.all(
				SHARDS.map((shard) =>
					runInDurableObject(
						syncLayer(shard === '0' ? undefined : shard),
						(_instance, { storage }) =>
							storage.sql.exec<{ n: number }>('SELECT max(sequence) AS n FROM tmcp_log').one().n ??
							0,
					),
				),
			);
		const before = await rows();
		await opened.send(undefined, frameOf('one row'));
		expect(await rows()).toEqual(before.map((row) => row + 1));
	});
});
