import { StreamError } from '@tmcp-sessions/core';
import { DEFAULT_LOG_BOUNDS, runInScope } from '@tmcp-sessions/core/internal';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { OpenStream } from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';

import { SqlCallLog } from '../src/object/call-log.ts';
import { beforeOpening } from './fixture/disturbed-namespace.ts';
import type { SyncLayer } from '../src/index.ts';
import { formatLeft } from '../src/wire/stream-messages.ts';
import { frameOf } from './fixture/rows.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';

const UPGRADE = { headers: { Upgrade: 'websocket' } };

/** Creates managers with short timeouts that record their reports. */
function newManager(binding?: DurableObjectNamespace<SyncLayer>) {
	const errors: string[] = [];
	const waits: number[] = [];
	const options = {
		onError: (error: Error) => void errors.push(error.message),
		openTimeoutMs: 30,
		random: () => 1,
		sleep: async (ms: number) => void waits.push(ms),
	};
	const manager = new DurableObjectStreamSessionManager(binding, options);
	const subscriptions = new DurableObjectSubscriptionManager(binding, options);
	return { manager, subscriptions, errors, waits };
}

/** Creates a binding of the real object that delays upgrades until the gate opens. */
function newGate() {
	const gate = { opened: Promise.resolve(), sockets: [] as WebSocket[] };
	const binding = beforeOpening(
		() => gate.opened,
		(socket) => void gate.sockets.push(socket),
	);
	return { gate, binding };
}

function socketsOf(tag: string): Promise<number> {
	return runInDurableObject(
		syncLayer(),
		(_instance, state) =>
			state.getWebSockets(tag).filter(({ readyState }) => readyState === WebSocket.OPEN).length,
	);
}

const LATE = 'SyncLayer did not respond within 30 ms: it is overloaded or unreachable. Try again';

describe('an upgrade request without a response', () => {
	it('rejects with a StreamError after the timeout, for a stream, an inbox and a subscription', async () => {
		const { gate, binding } = newGate();
		const { manager, subscriptions, errors } = newManager(binding);
		const closing = Promise.withResolvers<void>();
		gate.opened = closing.promise;
		const ignore = (): void => {};
		for (const opening of [
			OpenStream.open(manager, crypto.randomUUID()),
			manager.openInbox(crypto.randomUUID(), ignore),
			subscriptions.create(
				{ id: 1, origin: 'o', filters: { toolsListChanged: true } },
				{ acknowledge: ignore, send: ignore, close: ignore },
			),
		]) {
			await expect(opening).rejects.toThrow(StreamError);
			await expect(opening).rejects.toThrow(LATE);
		}
		expect(errors).toEqual([]);
		closing.resolve();
		await expect.poll(() => gate.sockets).toHaveLength(3);
	});

	it('leaves no socket open if the response is late', async () => {
		const { gate, binding } = newGate();
		const { manager } = newManager(binding);
		const session = crypto.randomUUID();
		const closing = Promise.withResolvers<void>();
		gate.opened = closing.promise;
		await expect(manager.openInbox(session, () => {})).rejects.toThrow(LATE);
		closing.resolve();
		await expect.poll(() => gate.sockets).toHaveLength(1);
		await expect.poll(() => socketsOf(`inbox:${session}`)).toBe(0);
	});

	it('times out while a lost socket is replaced, and the next attempt succeeds', async () => {
		const { gate, binding } = newGate();
		const { manager, errors, waits } = newManager(binding);
		const session = crypto.randomUUID();
		const stream = await OpenStream.open(manager, session);
		const received: string[] = [];
		const inbox = await manager.openInbox(session, (message) => void received.push(message));
		await stream.until('\n\n');
		gate.opened = new Promise(() => {});
		for (const socket of gate.sockets) socket.dispatchEvent(new ErrorEvent('error'));
		await expect.poll(() => waits.length).toBeGreaterThan(3);
		gate.opened = Promise.resolve();
		await expect.poll(() => manager.deliver(session, 'to the inbox')).toBeGreaterThan(0);
		await manager.send([session], frameOf('to the stream'));
		await stream.until('to the stream');
		await expect.poll(() => received.length).toBeGreaterThan(0);
		expect(errors).toEqual([]);
		inbox.close();
		await stream.cancel();
	});
});

describe('a silent Worker', () => {
	it('that never accepts its sockets does not affect others, and leaves none when it closes them', async () => {
		const session = crypto.randomUUID();
		const addresses = ['stream', 'inbox'].map((role) => `role=${role}&session=${session}`);
		const silent: Response[] = [];
		for (const address of [...addresses, 'role=subscription&kind=tools']) {
			silent.push(await syncLayer().fetch(`https://sync-layer.invalid/?${address}`, UPGRADE));
		}
		const { manager } = newManager();
		const stream = await OpenStream.open(manager, crypto.randomUUID());
		await manager.send(undefined, frameOf('to all'));
		await stream.until('to all');
		// The messages of its session are logged, so that another stream gets them.
		const again = await OpenStream.open(manager, session);
		await manager.send([session], frameOf('to the newest'));
		await again.until('to the newest');
		await Promise.all([stream.cancel(), again.cancel()]);
		for (const { webSocket } of silent) {
			webSocket?.accept();
			webSocket?.close(1000);
		}
		// The unsent messages kept the object in memory until now.
		await evict();
		for (const tag of [`session:${session}`, `inbox:${session}`, 'subscription:tools']) {
			expect(await socketsOf(tag)).toBe(0);
		}
	});

	it('that sends on its socket is ignored by the object', async () => {
		const session = crypto.randomUUID();
		const address = `https://sync-layer.invalid/?role=stream&session=${session}`;
		const { webSocket } = await syncLayer().fetch(address, UPGRADE);
		webSocket?.accept();
		for (let sent = 0; sent < 100; sent++) webSocket?.send('x'.repeat(10_000));
		await evict();
		expect(await syncLayer().has(session)).toBe(true);
		webSocket?.close(1000);
	});
});

describe('the streams that resume calls of a session', () => {
	it('are limited to 256: another is rejected until one of them has its response', async () => {
		const { manager } = newManager();
		const session = 'c'.repeat(204) + crypto.randomUUID();
		const call = (index: number): string => `call/${session.slice(-36)}-${index}`;
		const streams: OpenStream[] = [];
		for (let index = 0; index < 256; index++) {
			streams.push(await OpenStream.open(manager, session, `${call(index)}:0`));
		}
		const rejected = OpenStream.open(manager, session, `${call(256)}:0`);
		await expect(rejected).rejects.toThrow(StreamError);
		await expect(rejected).rejects.toThrow(
			'SyncLayer responded 429: a session waits for at most 256 calls at a time. Retry after',
		);
		const other = await OpenStream.open(manager, crypto.randomUUID(), `${call(256)}:0`);
		const frames = [`id: ${call(0)}:1\n${frameOf('answer')}`];
		await manager.keepCall(session, { stream: call(0), first: 1, frames, isComplete: true });
		await streams[0]?.ended;
		expect(streams[0]?.messages).toEqual(['answer']);
		await expect.poll(() => socketsOf(`calls:${session}`)).toBe(255);
		streams.push(await OpenStream.open(manager, session, `${call(256)}:0`), other);
		for (const stream of streams) await stream.cancel();
	}, 20_000);

	it('store events in rows of less than 2 MB, and a gap for an event that exceeds a row', async () => {
		const stream = `call/${crypto.randomUUID()}`;
		const texts = ['a'.repeat(1_500_000), 'b'.repeat(1_500_000), '雪'.repeat(1_000_000), 'answer'];
		const frames = texts.map((text, index) => `id: ${stream}:${index + 1}\n${frameOf(text)}`);
		await runInDurableObject(syncLayer(), (_instance, { storage }) => {
			const log = new SqlCallLog(storage.sql, DEFAULT_LOG_BOUNDS);
			log.keep('s', { stream, first: 1, frames, isComplete: true }, Date.now());
			const rows = storage.sql.exec<{ bytes: number }>(
				'SELECT octet_length(frames) AS bytes FROM tmcp_calls WHERE stream = ?',
				stream,
			);
			const sizes = rows.toArray().map(({ bytes }) => bytes);
			expect(sizes).toHaveLength(2);
			expect(Math.max(...sizes)).toBeLessThan(2_000_000);
			const [third, ...others] = log
				.eventsAfter('s', stream, 0)
				.flatMap((events) => events.frames)
				.toSorted((one, other) => one.length - other.length);
			expect(others).toHaveLength(3);
			expect(third).toContain('answer');
			expect(others[0]).toContain(': gap, a message was too large to be stored');
		});
	});
});

describe('an object with the maximum number of sockets', () => {
	it('rejects another socket with 503, and serves the others', async () => {
		const full = env.TMCP_DURABLE_OBJECT.getByName('full');
		const opened = await full.fetch('https://sync-layer.invalid/?role=stream&session=a', UPGRADE);
		const received: string[] = [];
		opened.webSocket?.addEventListener('message', ({ data }) => void received.push(String(data)));
		opened.webSocket?.accept();
		// Keeps the other ends: workerd disconnects a socket whose other end is garbage collected.
		const others: WebSocket[] = [];
		const count = await runInDurableObject(full, (_instance, state) => {
			for (let accepted = 1; ; accepted++) {
				try {
					const { 0: other, 1: socket } = new WebSocketPair();
					state.acceptWebSocket(socket);
					others.push(other);
				} catch {
					return accepted;
				}
			}
		});
		expect(count).toBe(32_768);
		const rejected = await full.fetch('https://sync-layer.invalid/?role=stream&session=b', UPGRADE);
		expect(rejected.status).toBe(503);
		expect(await rejected.text()).toContain('32768');
		await full.broadcast(['a'], frameOf('goes on'));
		await expect.poll(() => received.at(-1)).toContain('goes on');
		expect(others).toHaveLength(32_767);
	}, 30_000);
});

describe('an object with the maximum number of streams that share sockets', () => {
	it('rejects another one with 503, and accepts it when one has ended', async () => {
		const full = env.TMCP_DURABLE_OBJECT.getByName('full of shared sockets');
		const group = 'isolate.full';
		const others: WebSocket[] = [];
		await runInDurableObject(full, (_instance, state) => {
			for (let holder = 0; holder < 32_768; holder += 128) {
				const { 0: other, 1: socket } = new WebSocketPair();
				state.acceptWebSocket(socket, ['shared']);
				const members = Array.from({ length: 128 }, (_, index) => {
					const member = holder + index;
					return [member, `s${member}`, 1, 1, 1, 0, 0];
				});
				socket.serializeAttachment({ group, holder, members: JSON.stringify(members) });
				others.push(other);
			}
		});
		const join = (): Promise<Response> =>
			full.fetch(
				`https://sync-layer.invalid/?role=stream&session=b&group=${group}&member=40000&via=0`,
			);
		const rejected = await join();
		expect(rejected.status).toBe(503);
		expect(await rejected.text()).toBe('an object has at most 32768 streams that share sockets');
		await runInDurableObject(full, (instance, state) => {
			const [socket] = state.getWebSockets('shared');
			if (socket) instance.webSocketMessage(socket, formatLeft([128]));
		});
		const accepted = await join();
		expect(accepted.status).toBe(200);
		await accepted.body?.cancel();
		expect(others).toHaveLength(256);
	}, 30_000);
});

describe('the streams of a session', () => {
	it('are limited to 32: another closes the oldest, which is reported to onError', async () => {
		const { manager, errors } = newManager();
		const session = crypto.randomUUID();
		const streams: OpenStream[] = [];
		for (let opened = 0; opened < 33; opened++) {
			streams.push(await OpenStream.open(manager, session));
		}
		await streams[0]?.ended;
		expect(errors).toEqual([
			'[tmcp-sessions/streams-durable-object] holding a stream failed: a session has at most 32 ' +
				'open streams: the oldest was closed. The client should close the streams that it does not need',
		]);
		expect(await socketsOf(`session:${session}`)).toBe(32);
		for (const stream of streams) await stream.cancel();
	});

	it('are closed first if they were superseded', async () => {
		const { manager } = newManager();
		const session = crypto.randomUUID();
		const oldest = await OpenStream.open(manager, session);
		const second = await OpenStream.open(manager, session);
		await second.until('\n\n');
		const resumed = await OpenStream.open(manager, session, second.lastEventId);
		const more: OpenStream[] = [];
		for (let opened = 0; opened < 30; opened++) {
			more.push(await OpenStream.open(manager, session));
		}
		await second.ended;
		expect(await socketsOf(`session:${session}`)).toBe(32);
		for (const stream of [...more.toReversed(), resumed]) await stream.cancel();
		await expect.poll(() => socketsOf(`session:${session}`)).toBe(1);
		await manager.send([session], frameOf('to the oldest'));
		await oldest.until('to the oldest');
		await oldest.cancel();
	});

	it('do not count after their client has disconnected', async () => {
		const { manager, errors } = newManager();
		const session = crypto.randomUUID();
		const first = await OpenStream.open(manager, session);
		for (let opened = 0; opened < 40; opened++) {
			const stream = await OpenStream.open(manager, session);
			await stream.cancel();
			await expect.poll(() => socketsOf(`session:${session}`)).toBe(1);
		}
		await runInScope({ waitUntil: () => {} }, () => manager.send([session], frameOf('still here')));
		await first.until('still here');
		expect(errors).toEqual([]);
		await first.cancel();
	});
});
