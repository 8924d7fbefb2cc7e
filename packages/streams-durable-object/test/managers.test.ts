import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { BindingError, InvalidSessionIdError, StreamError } from '@tmcp-sessions/core';
import { closeStream } from '@tmcp-sessions/core/backend';
import { runInScope } from '@tmcp-sessions/core/internal';
import { OpenStream } from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';

import { beforeOpening, unreachable } from './fixture/disturbed-namespace.ts';
import { syncLayer } from './fixture/sync-layer.ts';

/** The controller of a stream that nobody reads. */
function newController(): ReadableStreamDefaultController {
	const captured: ReadableStreamDefaultController[] = [];
	void new ReadableStream({ start: (controller) => void captured.push(controller) });
	const [controller] = captured;
	if (!controller) throw new Error('expected a controller');
	return controller;
}

describe('the binding', () => {
	it('a manager is made without looking at its binding, so that it can be at module scope', () => {
		expect(() => new DurableObjectStreamSessionManager('NOT_BOUND')).not.toThrow();
		expect(() => new DurableObjectSubscriptionManager('NOT_BOUND')).not.toThrow();
	});

	it('a missing binding is named, with the lines that wrangler.jsonc needs', async () => {
		const manager = new DurableObjectStreamSessionManager('NOT_BOUND');
		const error: unknown = await manager
			.create('a', newController())
			.catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(BindingError);
		expect(String(error)).toBe(
			'BindingError: [tmcp-sessions/streams-durable-object] the binding NOT_BOUND must be ' +
				'a Durable Object namespace; got undefined. wrangler.jsonc needs:\n\n' +
				'  "durable_objects": { "bindings": [{ "name": "NOT_BOUND", "class_name": "SyncLayer" }] },\n' +
				'  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["SyncLayer"] }]\n\n' +
				"and the Worker's entry:\n\n  export { SyncLayer } from '@tmcp-sessions/streams-durable-object';\n",
		);
	});

	it('something else than a namespace is refused by what it is', async () => {
		// Sound: what a JavaScript user may pass by mistake is the point of the test.
		const misshapen = {
			get: () => 'a KV namespace, perhaps',
		} as unknown as DurableObjectNamespace<never>;
		await expect(
			new DurableObjectStreamSessionManager(misshapen).create('a', newController()),
		).rejects.toThrow('the binding must be a Durable Object namespace; got an object without');
	});

	it('a class without SQLite is refused, with what wrangler.jsonc should say', async () => {
		const errors: string[] = [];
		const onError = (error: Error): void => void errors.push(error.message);
		const manager = new DurableObjectStreamSessionManager('WITHOUT_SQLITE', { onError });
		const opening = manager.create('a', newController());
		await expect(opening).rejects.toThrow(StreamError);
		await expect(opening).rejects.toThrow(
			'SyncLayer must be a class with SQLite: list it in new_sqlite_classes',
		);
		await manager.send(['a'], 'frame');
		expect(errors).toEqual([expect.stringContaining('must be a class with SQLite')]);
	});

	it('can be given as the object itself', async () => {
		const manager = new DurableObjectStreamSessionManager(env.TMCP_DURABLE_OBJECT);
		const id = crypto.randomUUID();
		await manager.create(id, newController());
		expect(await syncLayer().has(id)).toBe(true);
		await manager.delete(id);
		await expect.poll(() => syncLayer().has(id)).toBe(false);
	});
});

describe('bad input', () => {
	it.each([
		['an empty one', ''],
		['one of 241 bytes after URI encoding (at most 240)', 'x'.repeat(241)],
		['one of 246 bytes after URI encoding (at most 240)', 'é'.repeat(41)],
		['one with an unpaired surrogate', '\ud800'],
		// Sound: a JavaScript caller may pass anything, which is the point of the test.
		['a value of type number', 7 as unknown as string],
	])('a session id that is no usable string is refused, and not shown: %s', async (found, id) => {
		const refused = new DurableObjectStreamSessionManager().create(id, newController());
		await expect(refused).rejects.toThrow(InvalidSessionIdError);
		await expect(refused).rejects.toThrow(found);
		await expect(refused).rejects.not.toThrow('xxx');
		await expect(refused).rejects.not.toThrow('ééé');
	});

	it('a message to ids that can have no stream reaches the others', async () => {
		const id = crypto.randomUUID();
		const manager = new DurableObjectStreamSessionManager();
		const stream = await OpenStream.open(manager, id);
		await manager.send(['', 'x'.repeat(999), '\ud800', id], 'data: "arrives"\n\n');
		await stream.until('arrives');
		expect(stream.messages).toEqual(['arrives']);
	});

	it('an id as `<victim>#x` takes over no stream', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const victim = crypto.randomUUID();
		await manager.create(victim, newController());
		for (const suffix of ['#x', '&session=other', '%23', '/../x', ' ']) {
			await manager.create(`${victim}${suffix}`, newController());
		}
		await runInDurableObject(syncLayer(), (_instance, state) => {
			expect(state.getWebSockets(`session:${victim}`)).toHaveLength(1);
		});
	});
});

describe('a client that leaves while its stream is being opened', () => {
	it('takes no other stream of the session with it, and leaves no socket behind', async () => {
		const id = crypto.randomUUID();
		const gate = Promise.withResolvers<void>();
		let open = Promise.resolve();
		// The real object, only that it is slow to take the second stream.
		const manager = new DurableObjectStreamSessionManager(beforeOpening(() => open));
		const healthy = await OpenStream.open(manager, id);
		open = gate.promise;
		let cancel: (() => Promise<void>) | undefined;
		const opening = new Promise<void>((resolve) => {
			const stream = new ReadableStream({
				start: (controller) => manager.create(id, controller).then(resolve),
				cancel: () => manager.delete(id),
			});
			cancel = () => stream.cancel();
		});
		await cancel?.();
		gate.resolve();
		await opening;
		await manager.send([id], 'data: "still here"\n\n');
		await healthy.until('still here');
		await expect
			.poll(() =>
				runInDurableObject(
					syncLayer(),
					(_instance, state) => state.getWebSockets(`session:${id}`).length,
				),
			)
			.toBe(1);
	});
});

describe('the end of a session', () => {
	it('ends its streams, also where the request of another one has just closed that', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const id = crypto.randomUUID();
		const listening = await OpenStream.open(manager, id);
		const controller = newController();
		const lastEventId = `call/${crypto.randomUUID()}:0`;
		const waitUntil = (): void => {};
		await runInScope({ waitUntil, lastEventId }, () => manager.create(id, controller));
		closeStream(controller);
		await runInScope({ waitUntil }, () => manager.delete(id));
		await listening.ended;
		await expect.poll(() => syncLayer().has(id)).toBe(false);
	});
});

describe('an object out of reach', () => {
	it('opening a stream or a listener rejects with a StreamError that names the package', async () => {
		const binding = unreachable('object is overloaded');
		const opening = new DurableObjectStreamSessionManager(binding).create('a', newController());
		await expect(opening).rejects.toThrow(StreamError);
		await expect(opening).rejects.toThrow(
			'[tmcp-sessions/streams-durable-object] opening a stream failed: object is overloaded',
		);
		const nothing = (): void => {};
		const listening = new DurableObjectSubscriptionManager(binding).create(
			{ id: 1, origin: 'o', filters: {} },
			{ acknowledge: nothing, send: nothing, close: nothing },
		);
		await expect(listening).rejects.toThrow(StreamError);
	});

	it('sending never rejects, and the failure reaches onError', async () => {
		const errors: Error[] = [];
		const options = { onError: (error: Error) => void errors.push(error) };
		const binding = unreachable('network lost');
		await new DurableObjectStreamSessionManager(binding, options).send(['a'], 'frame');
		const notification = { jsonrpc: '2.0' as const, method: 'notifications/tools/list_changed' };
		await new DurableObjectSubscriptionManager(binding, options).send(notification);
		expect(errors.map(String)).toEqual([
			'StreamError: [tmcp-sessions/streams-durable-object] sending to streams failed: network lost',
			'StreamError: [tmcp-sessions/streams-durable-object] notifying subscriptions failed: network lost',
		]);
	});

	it('ending a session rejects: its caller waits and must know', async () => {
		const manager = new DurableObjectStreamSessionManager(unreachable('network lost'));
		await expect(manager.delete('a')).rejects.toThrow(
			"ending a session's streams failed: network lost",
		);
	});
});
