import { DEFAULT_LOG_BOUNDS, runInScope } from '@tmcp-sessions/core/internal';
import { hashText } from '@tmcp-sessions/core/backend';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { OpenStream } from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';

import { SqlMessageLog } from '../src/object/message-log.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';
import { withRowsRead } from './fixture/rows-read.ts';
import { frameOf } from './fixture/rows.ts';

const LARGE = 'x'.repeat(400_000);

/** Runs a function in a request of a client. */
function requestOf<Result>(client: string, run: () => Result): Result {
	return runInScope({ client, waitUntil: () => {} }, run);
}

/** Returns the answer of a call, as a Worker keeps it. */
function answerOf(call: string, text: string) {
	const frames = [`id: ${call}:1\n${frameOf(text)}`];
	return { stream: call, first: 1, frames, isComplete: true };
}

/** Sessions of a client: how many there are, and what each of them stores. */
const attacks: [string, sessions: number, text: string][] = [
	['in one session', 1, LARGE],
	['in four sessions', 4, LARGE],
	// Each of these takes less than the other client.
	['in forty sessions', 40, 'y'.repeat(40_000)],
];

describe('one client harms others of its shard: a client that stores much', () => {
	it.each(attacks)('evicts no kept answer of another client, %s', async (_case, count, text) => {
		const manager = new DurableObjectStreamSessionManager();
		const [session, call] = [crypto.randomUUID(), `call/${crypto.randomUUID()}`];
		const kept = `kept ${'z'.repeat(60_000)}`;
		await requestOf('one', () => manager.keepCall(session, answerOf(call, kept)));
		const sessions = Array.from({ length: count }, () => crypto.randomUUID());
		for (let round = 0; round < Math.max(4, count); round++) {
			const name = `call/${crypto.randomUUID()}`;
			const attacker = sessions[round % count] ?? '';
			await requestOf('other', () => manager.keepCall(attacker, answerOf(name, text)));
		}
		const resumed = await OpenStream.open(manager, session, `${call}:0`);
		await expect.poll(() => resumed.messages).toEqual([kept]);
	});

	it.each(attacks)('evicts no message of another client, %s', async (_case, count, text) => {
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		const manager = new DurableObjectStreamSessionManager(undefined, { onError });
		const session = crypto.randomUUID();
		const missed = `missed ${'z'.repeat(60_000)}`;
		const first = await OpenStream.open(manager, session, undefined, undefined, 'one');
		await first.until('\n\n');
		await first.cancel();
		await manager.send([session], frameOf(missed));
		for (let opened = 0; opened < count; opened++) {
			const attacker = crypto.randomUUID();
			const stream = await OpenStream.open(manager, attacker, undefined, undefined, 'other');
			await stream.cancel();
			for (let sent = 0; sent < Math.max(4 / count, 1); sent++)
				await manager.send([attacker], frameOf(text));
		}
		await evict();
		const again = await OpenStream.open(manager, session, first.lastEventId);
		await expect.poll(() => again.messages).toEqual([missed]);
		expect(errors).toEqual([]);
		await again.cancel();
	});

	it('loses its own oldest answers, and the log stays within its bounds', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const session = crypto.randomUUID();
		const calls = Array.from({ length: 6 }, () => `call/${crypto.randomUUID()}`);
		for (const call of calls) {
			await requestOf('alone', () => manager.keepCall(session, answerOf(call, LARGE)));
		}
		const rows = await runInDurableObject(syncLayer(), (_instance, { storage }) =>
			storage.sql
				.exec<{ stream: string; bytes: number }>(
					'SELECT stream, octet_length(frames) AS bytes FROM tmcp_calls',
				)
				.toArray(),
		);
		expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(1.25 * 1024 * 1024);
		const own = rows.map(({ stream }) => stream).filter((stream) => calls.includes(stream));
		expect(own).toContain(calls.at(-1));
		expect(own).not.toContain(calls[0]);
	});
});

describe('one client harms others of its shard: a Last-Event-ID with sequence 0', () => {
	/** Runs a function with the log of an object, and returns the rows that it reads. */
	const rowsReadBy = async (name: string, run: (log: SqlMessageLog) => void): Promise<number> => {
		let rows = 0;
		await withRowsRead(name, (sql, rowsRead) => {
			const log = new SqlMessageLog(sql, DEFAULT_LOG_BOUNDS, () => '0');
			rowsRead();
			run(log);
			rows = rowsRead();
		});
		return rows;
	};
	const open = (log: SqlMessageLog, session: string, from?: string): string => {
		const { frames } = log.open(session, from, Date.now());
		return /^id: (\S+):\d+\n/.exec(frames[0] ?? '')?.[1] ?? '';
	};

	it('reads no messages of other sessions', async () => {
		const rows = await rowsReadBy('fresh', (log) => {
			for (let sent = 0; sent < 3_000; sent++) log.append(['other'], frameOf('x'), Date.now());
		});
		expect(rows).toBeGreaterThan(3_000);
		let stream = '';
		await rowsReadBy('fresh', (log) => void (stream = open(log, 'attacker')));
		const read = await rowsReadBy('fresh', (log) => {
			for (let round = 0; round < 10; round++) open(log, 'attacker', `${stream}:0`);
		});
		expect(read).toBeLessThan(100);
	});

	it('reads the log once for all requests, if the stream is older than its messages', async () => {
		const read = await rowsReadBy('old', (log) => {
			const stream = open(log, 'attacker');
			for (let sent = 0; sent < 3_000; sent++) log.append(['other'], frameOf('x'), Date.now());
			log.append(['attacker'], frameOf('own'), Date.now());
			const before = log.newest();
			for (let round = 0; round < 10; round++) open(log, 'attacker', `${stream}:0`);
			expect(log.newest()).toBe(before);
		});
		// Each append reads the two ends of the log.
		expect(read).toBeLessThan(3_001 * 4 + 3_001 + 100);
	});

	it('still replays every message that the client missed', async () => {
		await rowsReadBy('replay', (log) => {
			const stream = open(log, 'one');
			for (let sent = 0; sent < 300; sent++) {
				log.append([sent % 3 === 0 ? 'one' : 'other'], frameOf(`${sent}`), Date.now());
				if (sent % 100 === 0) log.append(undefined, frameOf(`all ${sent}`), Date.now());
			}
			const { frames } = log.open('one', `${stream}:0`, Date.now());
			expect(frames).toHaveLength(100 + 3);
			log.append(['one'], frameOf('later'), Date.now());
			expect(log.open('one', `${stream}:0`, Date.now()).frames).toHaveLength(104);
		});
	});
});

describe('one client harms others of its shard: a client with many sockets', () => {
	/** Accepts sockets of a client in the object, without their Workers. */
	const accept = async (kind: string, client: string, count: number): Promise<() => void> => {
		const tag = `${kind}-of:${await hashText(client)}`;
		// Keeps the other ends: workerd disconnects a socket whose other end is garbage collected.
		const others: WebSocket[] = [];
		await runInDurableObject(syncLayer(), (_instance, state) => {
			for (let opened = 0; opened < count; opened++) {
				const { 0: other, 1: socket } = new WebSocketPair();
				state.acceptWebSocket(socket, [tag]);
				others.push(other);
			}
		});
		return () => void others.length;
	};
	const manager = new DurableObjectStreamSessionManager();
	const subscriptions = new DurableObjectSubscriptionManager();
	const ignore = (): void => {};
	const kinds: [string, string, number, (client: string) => Promise<unknown>][] = [
		[
			'subscription of an anonymous client',
			'subscriptions',
			1_024,
			(client) =>
				requestOf(client, () =>
					subscriptions.create(
						{ id: 1, origin: crypto.randomUUID(), filters: { toolsListChanged: true } },
						{ acknowledge: ignore, send: ignore, close: ignore },
					),
				),
		],
		[
			'stream in another session',
			'stream',
			4_096,
			(client) => OpenStream.open(manager, crypto.randomUUID(), undefined, undefined, client),
		],
		[
			'resumed call of another session',
			'call',
			4_096,
			(client) =>
				OpenStream.open(
					manager,
					crypto.randomUUID(),
					`call/${crypto.randomUUID()}:0`,
					undefined,
					client,
				),
		],
		[
			'inbox of another session',
			'inbox',
			4_096,
			(client) => requestOf(client, () => manager.openInbox(crypto.randomUUID(), ignore)),
		],
	];
	it.each(kinds)(
		'is refused one more %s, and others are served',
		async (_name, kind, max, open) => {
			const client = crypto.randomUUID();
			const keep = await accept(kind, client, max - 1);
			await open(client);
			await expect(open(client)).rejects.toMatchObject({
				message: expect.stringContaining('429: a client may have at most'),
				bound: expect.stringContaining('a client may have at most'),
			});
			await open(crypto.randomUUID());
			keep();
		},
		30_000,
	);
});
