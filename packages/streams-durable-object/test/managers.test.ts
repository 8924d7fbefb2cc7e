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

/** Creates the controller of a stream without a reader. */
function newController(): ReadableStreamDefaultController {
	const captured: ReadableStreamDefaultController[] = [];
	void new ReadableStream({ start: (controller) => void captured.push(controller) });
	const [controller] = captured;
	if (!controller) throw new Error('expected a controller');
	return controller;
}

describe('the binding', () => {
	it('is not resolved by the constructors, which can be called at module scope', () => {
		expect(() => new DurableObjectStreamSessionManager('NOT_BOUND')).not.toThrow();
		expect(() => new DurableObjectSubscriptionManager('NOT_BOUND')).not.toThrow();
	});

	it('is named if it is missing, with the lines that wrangler.jsonc needs', async () => {
		const manager = new DurableObjectStreamSessionManager('NOT_BOUND');
		const error: unknown = await manager
			.create('a', newController())
			.catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(BindingError);
		expect(String(error)).toBe(
			'BindingError: [tmcp-sessions/streams-durable-object] the binding NOT_BOUND must be ' +
				'a Durable Object namespace; got undefined. wrangler.jsonc needs:\n\n' +
				'  "durable_objects": { "bindings": [{ "name": "NOT_BOUND", "class_name": "SyncLayer" }] },\n' +
				'  "migrations": [{ "tag": "<a new tag>", "new_sqlite_classes": ["SyncLayer"] }]\n\n' +
				'after the migrations that are deployed. A Worker with "exports" instead of "migrations" needs\n\n' +
				'  "exports": { "SyncLayer": { "type": "durable-object", "storage": "sqlite" } }\n\n' +
				"and the Worker's entry:\n\n  export { SyncLayer } from '@tmcp-sessions/streams-durable-object';\n",
		);
	});

	it('is rejected if it is not a namespace, with what it is', async () => {
		// Safe because the test passes an invalid value on purpose.
		const misshapen = {
			get: () => 'a KV namespace',
		} as unknown as DurableObjectNamespace<never>;
		await expect(
			new DurableObjectStreamSessionManager(misshapen).create('a', newController()),
		).rejects.toThrow('the binding must be a Durable Object namespace; got an object without');
	});

	it('is rejected if its class has no SQLite, with the fix for wrangler.jsonc', async () => {
		const errors: string[] = [];
		const onError = (error: Error): void => void errors.push(error.message);
		const manager = new DurableObjectStreamSessionManager('WITHOUT_SQLITE', { onError });
		const opening = manager.create('a', newController());
		await expect(opening).rejects.toThrow(BindingError);
		await expect(opening).rejects.toThrow(
			'the binding WITHOUT_SQLITE must be a namespace of SyncLayer with SQLite',
		);
		await expect(manager.deliver('a', 'message')).rejects.toThrow(BindingError);
		await expect(
			manager.keepCall('a', { stream: 'c.1', first: 1, frames: [], isComplete: false }),
		).rejects.toThrow(BindingError);
		await manager.send(['a'], 'frame');
		expect(errors).toEqual([
			expect.stringContaining('must be a namespace of SyncLayer with SQLite'),
		]);
	});

	it('can be passed as a namespace', async () => {
		const manager = new DurableObjectStreamSessionManager(env.TMCP_DURABLE_OBJECT);
		const id = crypto.randomUUID();
		await manager.create(id, newController());
		expect(await syncLayer().has(id)).toBe(true);
		await manager.delete(id);
		await expect.poll(() => syncLayer().has(id)).toBe(false);
	});
});

describe('invalid input', () => {
	it.each([
		['an empty one', ''],
		['one of 241 bytes after URI encoding (at most 240)', 'x'.repeat(241)],
		['one of 246 bytes after URI encoding (at most 240)', 'é'.repeat(41)],
		['one with an unpaired surrogate', '\ud800'],
		// Safe because the test passes an invalid value on purpose.
		['a value of type number', 7 as unknown as string],
	])('an invalid session id is rejected without its text: %s', async (reason, id) => {
		const rejected = new DurableObjectStreamSessionManager().create(id, newController());
		await expect(rejected).rejects.toThrow(InvalidSessionIdError);
		await expect(rejected).rejects.toThrow(reason);
		await expect(rejected).rejects.not.toThrow('xxx');
		await expect(rejected).rejects.not.toThrow('ééé');
	});

	it('a message to invalid ids reaches the valid ones', async () => {
		const id = crypto.randomUUID();
		const manager = new DurableObjectStreamSessionManager();
		const stream = await OpenStream.open(manager, id);
		await manager.send(['', 'x'.repeat(999), '\ud800', id], 'data: "arrives"\n\n');
		await stream.until('arrives');
		expect(stream.messages).toEqual(['arrives']);
	});

	it('an id such as `<victim>#x` does not take over a stream', async () => {
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

describe('a client that disconnects while its stream is being opened', () => {
	it('closes no other stream of the session, and leaves no socket open', async () => {
		const id = crypto.randomUUID();
		const gate = Promise.withResolvers<void>();
		let open = Promise.resolve();
		// The real object, which is slow to accept the second stream.
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
	it('closes its streams if the request of another stream has just closed that one', async () => {
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

describe('an unreachable object', () => {
	it('rejects the opening of a stream or a subscription with a StreamError that names the package', async () => {
		const binding = unreachable('object is overloaded');
		const opening = new DurableObjectStreamSessionManager(binding).create('a', newController());
		await expect(opening).rejects.toThrow(StreamError);
		await expect(opening).rejects.toThrow(
			'[tmcp-sessions/streams-durable-object] opening a stream failed: object is overloaded',
		);
		const ignore = (): void => {};
		const subscribing = new DurableObjectSubscriptionManager(binding).create(
			{ id: 1, origin: 'o', filters: {} },
			{ acknowledge: ignore, send: ignore, close: ignore },
		);
		await expect(subscribing).rejects.toThrow(StreamError);
	});

	it('is reported to onError by send, which never rejects', async () => {
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

	it('rejects delete, whose caller has to know', async () => {
		const manager = new DurableObjectStreamSessionManager(unreachable('network lost'));
		await expect(manager.delete('a')).rejects.toThrow(
			"ending a session's streams failed: network lost",
		);
	});
});
