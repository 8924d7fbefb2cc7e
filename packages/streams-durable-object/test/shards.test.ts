import { StreamError } from '@tmcp-sessions/core';
import { DurableObjectStreamSessionManager } from '@tmcp-sessions/streams-durable-object';
import type { SyncLayer } from '@tmcp-sessions/streams-durable-object';
import { OpenStream } from '@tmcp-sessions/testkit';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';

import { frameOf } from './fixture/rows.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';

/** Returns a session id of a shard, in the format of issued ids. */
function sessionIn(shard: string): string {
	return `1.${shard}.${crypto.randomUUID()}.mac`;
}

/** Returns the shards that the root lists. */
function listShards(): Promise<string[]> {
	return runInDurableObject(syncLayer(), (_instance, { storage }) =>
		storage.sql
			.exec<{ label: string }>('SELECT label FROM tmcp_shards ORDER BY label')
			.toArray()
			.map(({ label }) => label),
	);
}

/** Ages everything that the shard stores, and runs its alarm until it is pruned. */
async function expireAll(shard: string): Promise<void> {
	for (let round = 0; round < 4; round++) {
		await runInDurableObject(syncLayer(shard), (_instance, { storage }) => {
			storage.sql.exec('UPDATE tmcp_log SET at_ms = 0');
			storage.sql.exec('UPDATE tmcp_histories SET idle_ms = 0 WHERE idle_ms IS NOT NULL');
		});
		await runDurableObjectAlarm(syncLayer(shard));
	}
}

function socketsIn(shard: string): Promise<number> {
	return runInDurableObject(
		syncLayer(shard),
		(_instance, state) => state.getWebSockets().filter(({ readyState }) => readyState === 1).length,
	);
}

/** Replaces a method of the root. @returns a function that restores it. */
async function withRootMethod<Method extends 'addShard' | 'removeShard'>(
	method: Method,
	replace: (original: SyncLayer[Method]) => (...args: [string, string]) => unknown,
): Promise<() => Promise<void>> {
	const change = (apply: (prototype: object, original: SyncLayer[Method]) => void): Promise<void> =>
		runInDurableObject(syncLayer(), (instance) => {
			// RPCs reach only methods of the prototype.
			apply(Object.getPrototypeOf(instance) as object, instance[method].bind(instance));
		});
	await change((prototype, original) => void Reflect.set(prototype, method, replace(original)));
	return () => change((prototype) => void Reflect.deleteProperty(prototype, method));
}

/** Makes registrations at the root fail. @returns a function that repairs it. */
function breakRoot(): Promise<() => Promise<void>> {
	return withRootMethod('addShard', () => () => {
		throw new Error('root is overloaded');
	});
}

describe('a session in the shard that its id names', () => {
	it('has its stream, log and event ids there, near its region', async () => {
		const recorded: [string, unknown][] = [];
		const recording = new Proxy(env.TMCP_DURABLE_OBJECT, {
			get(target, key) {
				if (key !== 'getByName') return Reflect.get(target, key) as unknown;
				return (...args: Parameters<typeof target.getByName>) => {
					recorded.push([args[0], args[1]]);
					return target.getByName(...args);
				};
			},
		});
		const manager = new DurableObjectStreamSessionManager(recording);
		const id = sessionIn('apac-ne7');
		const stream = await OpenStream.open(manager, id);
		await manager.send([id], frameOf('first'));
		await stream.until('first');
		expect(stream.events.map((event) => event.id)).toEqual([
			expect.stringMatching(/^apac-ne7\/\w+\/\w+:0$/),
			expect.stringMatching(/^apac-ne7\/\w+\/\w+:1$/),
		]);
		await stream.cancel();
		await manager.send([id], frameOf('missed'));
		await evict('apac-ne7');
		const again = await OpenStream.open(manager, id, stream.lastEventId);
		await again.until('missed');
		expect(again.messages).toEqual(['missed']);
		await manager.delete(id);
		await again.ended;
		expect(new Set(recorded.map((call) => JSON.stringify(call)))).toEqual(
			new Set([JSON.stringify(['TMCP_DURABLE_OBJECT/apac-ne7', { locationHint: 'apac-ne' }])]),
		);
		expect(await syncLayer().has(id)).toBe(false);
	});

	it('has its inboxes and calls there, without registering the shard', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const id = sessionIn('weur7');
		const received: string[] = [];
		const inbox = await manager.openInbox(id, (message) => void received.push(message));
		expect(await manager.deliver(id, 'response')).toBe(1);
		await expect.poll(() => received).toEqual(['response']);
		inbox.close();
		const call = `call/${crypto.randomUUID()}`;
		await manager.keepCall(id, { stream: call, first: 1, frames: ['a', 'b'], isComplete: true });
		await runInDurableObject(syncLayer('weur7'), (_instance, { storage }) => {
			expect(storage.sql.exec('SELECT * FROM tmcp_calls').toArray()).toHaveLength(1);
		});
		// Publishes do not concern inboxes or calls: the shard need not be listed.
		expect(await listShards()).not.toContain('weur7');
	});

	it.each([
		['of another session’s shard', 'weur8/aaaaaaaa/zzzz:1'],
		['of an unknown shard', 'mars1/aaaaaaaa/zzzz:1'],
		['of the root', '0/aaaaaaaa/zzzz:1'],
	])(
		'opens its stream live and announces a gap for a last event id %s',
		async (_case, lastEventId) => {
			const errors: string[] = [];
			const onError = (error: Error): void => void errors.push(error.message);
			const manager = new DurableObjectStreamSessionManager(undefined, { onError });
			const id = sessionIn('weur9');
			const stream = await OpenStream.open(manager, id, lastEventId);
			await manager.send([id], frameOf('live'));
			await stream.until('live');
			expect(stream.messages).toEqual(['live']);
			expect(stream.events[0]?.comment).toBe(
				'gap, the last event id belongs to another shard: events may have been lost',
			);
			expect(errors).toEqual([expect.stringContaining('belongs to another shard')]);
			await stream.cancel();
		},
	);

	it('uses the namespace of the jurisdiction, which a local workerd rejects', async () => {
		const manager = new DurableObjectStreamSessionManager(undefined, { jurisdiction: 'eu' });
		await expect(OpenStream.open(manager, sessionIn('weur0'))).rejects.toThrow(
			'Jurisdiction restrictions are not implemented in workerd',
		);
	});
});

describe('the list of shards', () => {
	it('has a shard before its first stream is open, with one registration for all its streams', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const opening = Array.from({ length: 10 }, () => OpenStream.open(manager, sessionIn('oc0')));
		const streams = await Promise.all(opening);
		expect(await listShards()).toContain('oc0');
		const repair = await breakRoot();
		await evict('oc0');
		streams.push(await OpenStream.open(manager, sessionIn('oc0')));
		await repair();
		await manager.send(undefined, frameOf('to all'));
		await Promise.all(streams.map((stream) => stream.until('to all')));
		for (const stream of streams) await stream.cancel();
	});

	it('rejects the stream with 503 if the shard cannot be registered, and accepts the next one', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const id = sessionIn('oc1');
		const repair = await breakRoot();
		const opening = OpenStream.open(manager, id);
		await expect(opening).rejects.toThrow(StreamError);
		await expect(opening).rejects.toThrow(
			'opening a stream failed: SyncLayer responded 503: the shard was not registered: root is overloaded',
		);
		expect(await socketsIn('oc1')).toBe(0);
		await repair();
		const stream = await OpenStream.open(manager, id);
		await manager.send(undefined, frameOf('to all'));
		await stream.until('to all');
		await stream.cancel();
	});

	it('loses an empty shard, and has it again with its next stream', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const id = sessionIn('oc2');
		const stream = await OpenStream.open(manager, id);
		await manager.send([id], frameOf('logged'));
		await stream.until('logged');
		await stream.cancel();
		await expect.poll(() => socketsIn('oc2')).toBe(0);
		await runDurableObjectAlarm(syncLayer('oc2'));
		expect(await listShards(), 'its client may reconnect').toContain('oc2');
		await expireAll('oc2');
		expect(await listShards()).not.toContain('oc2');
		expect(await runDurableObjectAlarm(syncLayer('oc2'))).toBe(false);
		await evict('oc2');
		const again = await OpenStream.open(manager, id);
		expect(await listShards()).toContain('oc2');
		await manager.send(undefined, frameOf('to all'));
		await again.until('to all');
		await again.cancel();
	});

	it('keeps a shard whose first stream is opened while it is unregistered', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const id = sessionIn('oc3');
		await (await OpenStream.open(manager, id)).cancel();
		await expect.poll(() => socketsIn('oc3')).toBe(0);
		// The root has removed the shard, and its response is delayed.
		const gate = Promise.withResolvers<void>();
		const removed = Promise.withResolvers<void>();
		const repair = await withRootMethod('removeShard', (remove) => async (shard, token) => {
			remove(shard, token);
			removed.resolve();
			await gate.promise;
			// A duplicate of the RPC arrives after the new registration.
			remove(shard, token);
		});
		const aging = expireAll('oc3');
		await removed.promise;
		expect(await listShards()).not.toContain('oc3');
		const stream = await OpenStream.open(manager, id);
		expect(await listShards()).toContain('oc3');
		gate.resolve();
		await aging;
		expect(await listShards()).toContain('oc3');
		await repair();
		await manager.send(undefined, frameOf('to all'));
		await stream.until('to all');
		await stream.cancel();
	});

	it('loses a shard by the next alarm if the root could not be reached', async () => {
		const manager = new DurableObjectStreamSessionManager();
		await (await OpenStream.open(manager, sessionIn('oc4'))).cancel();
		await expect.poll(() => socketsIn('oc4')).toBe(0);
		const repair = await withRootMethod('removeShard', () => () => {
			throw new Error('root is overloaded');
		});
		await expireAll('oc4');
		expect(await listShards()).toContain('oc4');
		await repair();
		await runDurableObjectAlarm(syncLayer('oc4'));
		expect(await listShards()).not.toContain('oc4');
	});

	it('loses a shard whose sockets were lost without close events', async () => {
		const manager = new DurableObjectStreamSessionManager(undefined, {
			sleep: () => new Promise(() => {}),
			onError: () => {},
		});
		await OpenStream.open(manager, sessionIn('oc5'));
		await runInDurableObject(syncLayer('oc5'), async (_instance, { storage }) => {
			await storage.deleteAlarm();
		});
		await runInDurableObject(syncLayer('oc5'), (_instance, state) => state.abort('reset')).catch(
			() => {},
		);
		await syncLayer('oc5').has('any');
		await expireAll('oc5');
		expect(await listShards()).not.toContain('oc5');
	});

	it.each(['0', 'mars1', 'weur256', ''])('rejects the label %j', async (label) => {
		const headers = { Upgrade: 'websocket', 'Sync-Layer-Shard': label };
		const url = 'https://sync-layer.invalid/?role=stream&session=a';
		const response = await syncLayer('oc6').fetch(url, { headers });
		expect(response.status).toBe(503);
		await response.text();
	});
});
