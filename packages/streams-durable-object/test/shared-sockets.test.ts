import { hashText } from '@tmcp-sessions/core/backend';
import type { SyncLayer } from '@tmcp-sessions/streams-durable-object';
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, onTestFinished } from 'vitest';

import { frameOf } from './fixture/rows.ts';
import { addressOf, UPGRADE } from './fixture/sockets.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';
import { touchedBy } from './fixture/touched.ts';
import { parseStreamMessage } from '../src/wire/stream-messages.ts';

/** A stream of a group, as a Worker describes it. */
interface StreamQuery {
	readonly session: string;
	readonly group: string;
	readonly member: number;
	readonly via?: number;
	readonly last?: string;
	readonly rank?: string;
	readonly principal?: string;
}

/** A socket that streams share, as a Worker holds it. */
interface HeldSocket {
	readonly socket: WebSocket;
	/** Each message for a stream, as `<member> <number> <text>`. */
	readonly received: string[];
	/** The other messages. */
	readonly control: unknown[];
}

function queryOf(query: StreamQuery, shares: boolean): string {
	const names = Object.entries(query).map(([name, value]) => [name, `${value}`]);
	return new URLSearchParams([
		['role', 'stream'],
		...names,
		...(shares ? [['shared', '1']] : []),
	]).toString();
}

/** Opens a stream whose socket others can share. */
async function hold(query: StreamQuery): Promise<HeldSocket> {
	const { webSocket: socket, headers } = await syncLayer().fetch(
		addressOf(queryOf(query, true)),
		UPGRADE,
	);
	if (!socket) throw new Error('expected a socket');
	expect(headers.get('Sync-Layer-Shared')).toBe('1');
	const held: HeldSocket = { socket, received: [], control: [] };
	socket.addEventListener('message', ({ data }) => receive(held, query.member, String(data)));
	socket.accept();
	onTestFinished(() => socket.close(1000));
	return held;
}

function receive({ received, control }: HeldSocket, holder: number, text: string): void {
	const message = parseStreamMessage(text);
	const add = (member: number, number: number, frame: string): void => {
		const [, data] = /^data: "(.*)"$/m.exec(frame) ?? [];
		if (data !== undefined) received.push(`${member} ${number} ${data}`);
	};
	if (message.kind === 'numbered') add(holder, message.number, message.frame);
	else if (message.kind === 'group') {
		const { to, frame } = message.message;
		for (const [member, number] of to) add(member, number, frame);
	} else control.push(message);
}

/** Opens a stream that shares the socket of another one. */
async function join(query: StreamQuery & { via: number }): Promise<Response> {
	const response = await syncLayer().fetch(addressOf(queryOf(query, false)));
	// An unread body would keep the object in memory.
	return new Response(await response.text(), response);
}

/** Opens a stream that shares a socket. @returns the frames that it missed and its headers. */
async function joined(
	query: StreamQuery & { via: number },
): Promise<{ frames: string[]; lastEventId: string; rank: string }> {
	const response = await join(query);
	expect(response.status).toBe(200);
	const frames = await response.json<string[]>();
	const [, lastEventId = ''] = /^id: (\S+)$/m.exec(frames.at(-1) ?? '') ?? [];
	return { frames, lastEventId, rank: response.headers.get('Sync-Layer-Rank') ?? '' };
}

/** Opens a group: two streams with sockets, and others that share the first one. */
async function openGroup(others: number) {
	const group = `isolate.${crypto.randomUUID()}`;
	const sessions = Array.from({ length: others + 2 }, () => crypto.randomUUID());
	const sessionOf = (member: number): string => sessions[member] ?? '';
	const first = await hold({ session: sessionOf(0), group, member: 0 });
	const second = await hold({ session: sessionOf(1), group, member: 1 });
	for (let member = 2; member < sessions.length; member++)
		await joined({ session: sessionOf(member), group, member, via: 0 });
	return { group, sessions, sessionOf, first, second };
}

function send(sessions: string[] | undefined, message: string): Promise<void> {
	return syncLayer().broadcast(sessions, frameOf(message));
}

describe('streams that share a socket', () => {
	it('receive messages on it, in one message for all, numbered for each', async () => {
		const { sessions, sessionOf, first } = await openGroup(3);
		const toAll = (object: SyncLayer): Promise<void> => object.broadcast(sessions, frameOf('all'));
		expect(await touchedBy(toAll)).toMatchObject({ frames: 2, rowsWritten: 1 });
		await send([sessionOf(3)], 'one');
		await send([sessionOf(0)], 'holder');
		const all = ['0 1 all', '2 1 all', '3 1 all', '4 1 all'];
		await expect.poll(() => first.received).toEqual([...all, '3 2 one', '0 2 holder']);
	});

	it('are found after the object has hibernated', async () => {
		const { sessions, sessionOf, first, second } = await openGroup(3);
		await send(sessions, 'before');
		await evict();
		await send([sessionOf(4)], 'to one');
		await evict();
		expect(await syncLayer().has(sessionOf(3))).toBe(true);
		await send(sessions, 'after');
		const expected = ['2 2 after', '3 2 after', '4 3 after'];
		await expect.poll(() => first.received.slice(-3)).toEqual(expected);
		await expect.poll(() => second.received).toEqual(['1 1 before', '1 2 after']);
	});

	it('share another socket of their group after the shared one has closed', async () => {
		const { sessions, sessionOf, first, second } = await openGroup(2);
		await send(sessions, 'before');
		first.socket.close(1000);
		const moved = {
			kind: 'moved',
			counts: [
				[2, 2],
				[3, 2],
			],
		};
		await expect.poll(() => second.control).toEqual([moved]);
		expect(await syncLayer().has(sessionOf(0))).toBe(false);
		await send(sessions, 'after');
		const after = ['1 2 after', '2 2 after', '3 2 after'];
		await expect.poll(() => second.received.slice(-3)).toEqual(after);
		await evict();
		await send([sessionOf(2)], 'later');
		await expect.poll(() => second.received.at(-1)).toBe('2 3 later');
	});

	it('receive a message for many once, also if their socket closes before it was sent to all', async () => {
		const { sessions, sessionOf, first, second } = await openGroup(80);
		// Another stream of a session that has one in the group.
		const newer = await hold({ session: sessionOf(2), group: 'other', member: 90 });
		await runInDurableObject(syncLayer(), async (instance, state) => {
			const sending = instance.broadcast(undefined, frameOf('during'));
			for (let turn = 0; turn < 4; turn++) await scheduler.wait(0);
			state
				.getWebSockets('shared')
				.find((socket) => socket.deserializeAttachment().holder === 0)
				?.close(1011);
			await sending;
		});
		await send(undefined, 'after');
		const received = (message: string): string[] =>
			[first, second, newer].flatMap((held) =>
				held.received
					.filter((line) => line.endsWith(message))
					.map((line) => line.split(' ')[0] ?? ''),
			);
		const { length } = sessions;
		await expect.poll(() => received('after')).toHaveLength(length - 1);
		expect(new Set(received('during')).size).toBe(length);
		expect(received('during')).toHaveLength(length);
		expect(first.received).not.toHaveLength(0);
		expect(second.received.length).toBeGreaterThan(length - first.received.length);
	});

	it('share another socket if the shared one closes while the object hibernates', async () => {
		const { sessionOf, first, second } = await openGroup(2);
		await evict();
		first.socket.close(1000);
		await expect.poll(() => second.control).toHaveLength(1);
		await send([sessionOf(2)], 'after');
		await expect.poll(() => second.received.at(-1)).toBe('2 1 after');
	});

	it('end with the last socket of their group, and resume on a new one after what they received', async () => {
		const { group, sessionOf: of, first, second } = await openGroup(1);
		const other = crypto.randomUUID();
		const sessionOf = (member: number): string => (member === 3 ? other : of(member));
		const { lastEventId, rank } = await joined({ session: sessionOf(3), group, member: 3, via: 1 });
		second.socket.close(1000);
		first.socket.close(1000);
		await expect.poll(() => syncLayer().has(sessionOf(3))).toBe(false);
		await send([sessionOf(3)], 'missed');
		expect((await join({ session: sessionOf(3), group, member: 4, via: 0 })).status).toBe(409);
		const third = await hold({ session: crypto.randomUUID(), group, member: 5 });
		const place = { session: sessionOf(3), group, member: 6, via: 5 };
		const { frames } = await joined({ ...place, last: lastEventId, rank });
		expect(frames).toEqual([expect.stringContaining('"missed"')]);
		await send([sessionOf(3)], 'next');
		await expect.poll(() => third.received).toEqual(['6 1 next']);
	});

	it('are removed by their Worker, and an older stream of the session receives what follows', async () => {
		const { group, sessionOf, first, second } = await openGroup(2);
		await joined({ session: sessionOf(1), group, member: 9, via: 0 });
		await send([sessionOf(1)], 'newest');
		await expect.poll(() => first.received).toEqual(['9 1 newest']);
		// On any socket of the group.
		second.socket.send('-9,2');
		await expect.poll(() => syncLayer().has(sessionOf(2))).toBe(false);
		await send([sessionOf(1)], 'older');
		await expect.poll(() => second.received).toEqual(['1 1 older']);
		await evict();
		expect(await syncLayer().has(sessionOf(2))).toBe(false);
		expect(await syncLayer().has(sessionOf(3))).toBe(true);
	});

	it('are ended with their session, replaced by their own reconnection, and bounded for a session', async () => {
		const { group, sessionOf, first, second } = await openGroup(2);
		await syncLayer().delete(sessionOf(2));
		const closed = (member: number, code: number) => ({ kind: 'closed', member, code });
		await expect.poll(() => first.control).toEqual([closed(2, 4000)]);
		const session = crypto.randomUUID();
		const { lastEventId, rank } = await joined({ session, group, member: 10, via: 1 });
		await joined({ session, group, member: 11, via: 1, last: lastEventId, rank });
		await expect.poll(() => second.control).toEqual([closed(10, 4002)]);
		for (let member = 20; member < 52; member++)
			await joined({ session, group, member, via: member % 2 });
		await expect.poll(() => second.control).toEqual([closed(10, 4002), closed(11, 4003)]);
		await send([session], 'to the newest');
		await expect.poll(() => second.received).toEqual(['51 1 to the newest']);
	});

	it('of an ended session are rejected, and closed if they reconnect', async () => {
		const { group, sessionOf } = await openGroup(1);
		const { lastEventId, rank } = await joined({ session: sessionOf(2), group, member: 5, via: 0 });
		await syncLayer().delete(sessionOf(2));
		const again = { session: sessionOf(2), group, member: 6, via: 0 };
		expect((await join(again)).status).toBe(410);
		const response = await join({ ...again, last: lastEventId, rank });
		expect(response.headers.get('Sync-Layer-Closed')).toBe('4000');
		expect(await syncLayer().has(sessionOf(2))).toBe(false);
	});

	it('count as streams of their client', async () => {
		const { group } = await openGroup(1);
		const client = await hashText(crypto.randomUUID());
		await runInDurableObject(syncLayer(), (_instance, state) => {
			for (let opened = 0; opened < 4_095; opened++) {
				const { 1: socket } = new WebSocketPair();
				state.acceptWebSocket(socket, [`stream-of:${client}`]);
			}
		});
		const query = { group, via: 0, principal: client };
		await joined({ ...query, session: crypto.randomUUID(), member: 7 });
		const rejected = await join({ ...query, session: crypto.randomUUID(), member: 8 });
		expect(rejected.status).toBe(429);
		expect(await rejected.text()).toContain('a client may have at most');
	}, 30_000);

	it('share no socket whose attachment is full, nor one of another group', async () => {
		const group = `isolate.${crypto.randomUUID()}`;
		const long = (): string => 'x'.repeat(200) + crypto.randomUUID();
		await hold({ session: crypto.randomUUID(), group, member: 0 });
		const statuses: number[] = [];
		for (let member = 1; member < 64; member++)
			statuses.push((await join({ session: long(), group, member, via: 0 })).status);
		const accepted = statuses.indexOf(507);
		expect(accepted).toBeGreaterThan(40);
		expect(new Set(statuses.slice(accepted))).toEqual(new Set([507]));
		// The attachment holds all of them.
		await evict();
		const other = { session: crypto.randomUUID(), group: `${group}x`, member: 70, via: 0 };
		expect((await join(other)).status).toBe(409);
	});

	it('are served from the log if no socket of their group takes a message', async () => {
		const { group, first, second } = await openGroup(1);
		const session = crypto.randomUUID();
		const place = { session, group };
		const { lastEventId, rank } = await joined({ ...place, member: 5, via: 0 });
		await runInDurableObject(syncLayer(), async (instance, state) => {
			const { send: sendNow } = WebSocket.prototype;
			WebSocket.prototype.send = function () {
				throw new Error('dead');
			};
			try {
				await instance.broadcast([session], frameOf('lost'));
			} finally {
				WebSocket.prototype.send = sendNow;
			}
			expect(state.getWebSockets('shared').every(({ readyState }) => readyState !== 1)).toBe(true);
		});
		expect(first.received.concat(second.received)).toEqual([]);
		await hold({ session: crypto.randomUUID(), group, member: 6 });
		const { frames } = await joined({ ...place, member: 7, via: 6, last: lastEventId, rank });
		expect(frames).toEqual([expect.stringContaining('"lost"')]);
	});
});
