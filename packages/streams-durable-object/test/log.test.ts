import type { CallEvents } from '@tmcp-sessions/core/backend';
import { DEFAULT_LOG_BOUNDS } from '@tmcp-sessions/core/internal';
import { DurableObjectStreamSessionManager } from '@tmcp-sessions/streams-durable-object';
import { OpenStream } from '@tmcp-sessions/testkit';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';

import { SqlCallLog } from '../src/object/call-log.ts';
import { withRowsRead } from './fixture/rows-read.ts';
import { frameOf, rowsWrittenBy, rowsOf } from './fixture/rows.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';

describe('the cost of the log', () => {
	it('is one row for a broadcast to 100 streams, and one for a message to ten of them', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const sessions = Array.from({ length: 100 }, () => crypto.randomUUID());
		const streams = await Promise.all(sessions.map((id) => OpenStream.open(manager, id)));
		for (const round of ['awake', 'after an eviction']) {
			const toAll = await rowsWrittenBy((object) =>
				object.broadcast(undefined, frameOf(`${round}: to all`)),
			);
			expect(toAll).toBe(1);
			const toTen = await rowsWrittenBy((object) =>
				object.broadcast(sessions.slice(0, 10), frameOf(`${round}: to ten`)),
			);
			expect(toTen).toBe(1);
			await Promise.all(streams.map((stream) => stream.until(`${round}: to all`)));
			await Promise.all(streams.slice(0, 10).map((stream) => stream.until(`${round}: to ten`)));
			await evict();
		}
		for (const stream of streams) await stream.cancel();
	});

	it('is no row for a message to a session that never had a stream', async () => {
		expect(
			await rowsWrittenBy((object) =>
				object.broadcast([crypto.randomUUID()], frameOf('not logged')),
			),
		).toBe(0);
	});

	it('is one row, written once, for a session whose client always resumes', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const id = crypto.randomUUID();
		let stream = await OpenStream.open(manager, id);
		await manager.send([id], frameOf('first'));
		await stream.until('first');
		const [before] = await rowsOf('histories', id);
		for (let round = 0; round < 5; round++) {
			await stream.cancel();
			await manager.send([id], frameOf(`round ${round}`));
			stream = await OpenStream.open(manager, id, stream.lastEventId);
			await stream.until(`round ${round}`);
		}
		expect(await rowsOf('histories', id)).toEqual([before]);
		await stream.cancel();
	});

	it('stays within its bound in bytes, which counts session ids, also after hibernation', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const id = crypto.randomUUID();
		const stream = await OpenStream.open(manager, id);
		const storedBytes = (): Promise<number> =>
			runInDurableObject(syncLayer(), (_instance, { storage }) => {
				const sum = 'sum(octet_length(frame) + ifnull(octet_length(sessions), 0))';
				return storage.sql.exec<{ bytes: number }>(`SELECT ${sum} AS bytes FROM tmcp_log`).one()
					.bytes;
			});
		for (let round = 0; round < 3; round++) {
			for (let sent = 0; sent < 10; sent++) {
				await manager.send([id], frameOf(`${round}${sent}${'é'.repeat(50_000)}`));
			}
			await evict();
		}
		const bound = 1024 * 1024;
		expect(await storedBytes()).toBeGreaterThan(bound / 2);
		expect(await storedBytes()).toBeLessThanOrEqual(bound * 1.25);
		await stream.cancel();
	});

	it('is one row for new events of a call, and none for stored ones', async () => {
		const id = crypto.randomUUID();
		const stream = `call/${crypto.randomUUID()}`;
		const events = { stream, first: 1, frames: ['a', 'b'], isComplete: false };
		expect(await rowsWrittenBy((object) => object.keepCall(id, events))).toBe(1);
		expect(await rowsWrittenBy((object) => object.keepCall(id, events))).toBe(0);
		const more = { ...events, frames: ['a', 'b', 'c'], isComplete: true };
		expect(await rowsWrittenBy((object) => object.keepCall(id, more))).toBe(1);
		expect(await rowsOf('calls', id)).toHaveLength(2);
		await syncLayer().delete(id);
		expect(await rowsOf('calls', id)).toEqual([]);
	});
});

describe('the rows that the log of calls reads', () => {
	const stream = 'call/long/n1';
	const eventsOf = (first: number, count = 1, isComplete = false): CallEvents => {
		const frames = Array.from({ length: count }, (_, index) => `frame ${first + index}`);
		return { stream, first, frames, isComplete };
	};
	/** Stores that many frames of a call, each alone, and then runs a function after a wake-up. */
	const afterFrames = (
		count: number,
		run: (log: SqlCallLog, rowsRead: () => number) => void,
	): Promise<void> =>
		withRowsRead(`${count} ${crypto.randomUUID()}`, (sql, rowsRead) => {
			const before = new SqlCallLog(sql, DEFAULT_LOG_BOUNDS);
			for (let first = 1; first <= count; first++) before.keep('s', eventsOf(first), Date.now());
			const log = new SqlCallLog(sql, DEFAULT_LOG_BOUNDS);
			// Counts the rows once.
			log.keep('other', { ...eventsOf(1), stream: 'call/other/n1' }, Date.now());
			rowsRead();
			run(log, rowsRead);
		});

	it.each([10, 100, 1_000, 10_000])('are one for each frame after %i frames', async (count) => {
		await afterFrames(count, (log, rowsRead) => {
			for (let frame = 1; frame <= 50; frame++) log.keep('s', eventsOf(count + frame), Date.now());
			expect(rowsRead()).toBe(50);
			log.keep('s', eventsOf(count + 51, 50), Date.now());
			log.keep('s', eventsOf(count + 101, 1, true), Date.now());
			expect(rowsRead()).toBe(2);
			expect(log.isComplete('s', stream)).toBe(true);
			expect(rowsRead()).toBe(1);
		});
	});

	it('are those of the missed events when a client resumes a long call', async () => {
		await afterFrames(10_000, (log, rowsRead) => {
			const all = log.eventsAfter('s', stream, 0).flatMap(({ frames }) => frames);
			expect(all).toEqual(eventsOf(1, 10_000).frames);
			rowsRead();
			const missed = log.eventsAfter('s', stream, 9_990).flatMap(({ frames }) => frames);
			expect(missed).toEqual(eventsOf(9_991, 10).frames);
			expect(rowsRead()).toBeLessThan(15);
			expect(log.eventsAfter('s', stream, 10_000)).toHaveLength(1);
			log.keep('s', eventsOf(10_001, 50), Date.now());
			expect(log.eventsAfter('s', stream, 10_020)).toHaveLength(1);
		});
	});

	it('are none of other sessions when a session ends, also for the next frame', async () => {
		await afterFrames(1_000, (log, rowsRead) => {
			log.delete('other');
			log.delete('without calls');
			rowsRead();
			for (let session = 1; session <= 50; session++) log.delete(`without calls ${session}`);
			log.keep('s', eventsOf(1_001), Date.now());
			expect(rowsRead()).toBe(1);
		});
	});

	it('leave the log within its bounds after sessions have ended', async () => {
		await withRowsRead(crypto.randomUUID(), (sql) => {
			const bounds = { ...DEFAULT_LOG_BOUNDS, messages: 100 };
			const log = new SqlCallLog(sql, bounds);
			for (let first = 1; first <= 1_000; first++) {
				log.keep('ends', { ...eventsOf(first), stream: `call/${first}/n1` }, Date.now());
				if (first % 50 === 0) log.delete('ends');
				log.keep('s', eventsOf(first), Date.now());
			}
			const { rows } = sql.exec<{ rows: number }>('SELECT count(*) AS rows FROM tmcp_calls').one();
			expect(rows).toBeGreaterThan(50);
			expect(rows).toBeLessThanOrEqual(125);
			// After a wake-up, too.
			new SqlCallLog(sql, bounds).delete('s');
			expect(sql.exec('SELECT DISTINCT session FROM tmcp_calls').toArray().length).toBeLessThan(2);
		});
	});
});

describe('pruning', () => {
	it('deletes what is too old by an alarm, which is set only while something remains', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const id = crypto.randomUUID();
		const call = { stream: `call/${id}`, first: 1, frames: ['a'], isComplete: true };
		const stream = await OpenStream.open(manager, id);
		for (const message of ['1', '2', '3']) await manager.send([id], frameOf(message));
		await manager.keepCall(id, call);
		await stream.until('"3"');
		const first = stream.events[1]?.id;
		await stream.cancel();
		await expect.poll(() => syncLayer().has(id)).toBe(false);
		const age = (): Promise<void> =>
			runInDurableObject(syncLayer(), (_instance, { storage }) => {
				storage.sql.exec('UPDATE tmcp_log SET at_ms = 0');
				storage.sql.exec('UPDATE tmcp_calls SET at_ms = 0');
				storage.sql.exec('UPDATE tmcp_histories SET idle_ms = 0 WHERE idle_ms IS NOT NULL');
				storage.sql.exec("UPDATE tmcp_meta SET value = 0 WHERE key LIKE 'ended:%'");
			});
		await age();
		expect(await runDurableObjectAlarm(syncLayer())).toBe(true);
		expect(await rowsOf('calls', id)).toEqual([]);
		// The newest message stays, and so does the history with which the stream can be resumed.
		await runInDurableObject(syncLayer(), (_instance, { storage }) => {
			expect(storage.sql.exec('SELECT sequence FROM tmcp_log').toArray()).toHaveLength(1);
		});
		expect(await rowsOf('histories', id)).toHaveLength(1);
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		const other = new DurableObjectStreamSessionManager(undefined, { onError });
		const again = await OpenStream.open(other, id, first);
		await again.until('up to ');
		expect(errors).toHaveLength(1);
		await again.cancel();
		await expect.poll(() => syncLayer().has(id)).toBe(false);
		// The first alarm marks the session as idle, and a later one deletes it.
		for (let round = 0; round < 3; round++) {
			await runDurableObjectAlarm(syncLayer());
			await age();
		}
		expect(await rowsOf('histories', id)).toEqual([]);
		await runDurableObjectAlarm(syncLayer());
		expect(await runDurableObjectAlarm(syncLayer())).toBe(false);
	});

	it('keeps a session whose client reconnected meanwhile', async () => {
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		const manager = new DurableObjectStreamSessionManager(undefined, { onError });
		const id = crypto.randomUUID();
		const disconnected = (): Promise<void> => expect.poll(() => syncLayer().has(id)).toBe(false);
		const first = await OpenStream.open(manager, id);
		await first.until('\n\n');
		await first.cancel();
		await disconnected();
		await runDurableObjectAlarm(syncLayer());
		await runInDurableObject(syncLayer(), (_instance, { storage }) => {
			storage.sql.exec('UPDATE tmcp_histories SET idle_ms = 0 WHERE idle_ms IS NOT NULL');
		});
		const second = await OpenStream.open(manager, id, first.lastEventId);
		await second.cancel();
		await disconnected();
		await manager.send([id], frameOf('meanwhile'));
		await runDurableObjectAlarm(syncLayer());
		const third = await OpenStream.open(manager, id, first.lastEventId);
		await third.until('"meanwhile"');
		expect(errors).toEqual([]);
		await third.cancel();
	});

	it('ends a stream with a gap if its call sends nothing', async () => {
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		const manager = new DurableObjectStreamSessionManager(undefined, { onError });
		const id = crypto.randomUUID();
		const stream = await OpenStream.open(manager, id, `call/${crypto.randomUUID()}:3`);
		await runInDurableObject(syncLayer(), (_instance, state) => {
			for (const socket of state.getWebSockets(`calls:${id}`)) {
				socket.serializeAttachment({ ...socket.deserializeAttachment(), atMs: 0 });
			}
		});
		await runDurableObjectAlarm(syncLayer());
		await stream.ended;
		expect(stream.text).toContain(': gap, the call has no further events');
		expect(errors).toHaveLength(1);
	});
});

describe('large data', () => {
	it('is delivered live if a message exceeds a row, and announced as a gap to a client that missed it', async () => {
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		const manager = new DurableObjectStreamSessionManager(undefined, { onError });
		const id = crypto.randomUUID();
		const stream = await OpenStream.open(manager, id);
		const large = '雪'.repeat(1_000_000);
		await manager.send([id], frameOf(large));
		await manager.send([id], frameOf('after it'));
		await stream.until('after it');
		expect(stream.messages.map((message) => message === large)).toEqual([true, false]);
		await stream.cancel();
		const again = await OpenStream.open(manager, id, stream.events[0]?.id);
		await again.until('after it');
		expect(again.messages).toEqual(['after it']);
		expect(again.events[0]?.comment).toContain('too large');
		expect(errors).toHaveLength(1);
		await again.cancel();
	});

	it('is split if the sessions of a message exceed a row', async () => {
		const manager = new DurableObjectStreamSessionManager();
		const id = crypto.randomUUID();
		const pad = 'p'.repeat(200);
		const many = Array.from({ length: 3_000 }, (_, index) => `${id}${index}${pad}`);
		await runInDurableObject(syncLayer(), (_instance, { storage }) => {
			for (const session of many) {
				const history = JSON.stringify({ channels: [1], changes: [[1, 1]], lost: 0 });
				storage.sql.exec(
					'INSERT INTO tmcp_histories (session, history) VALUES (?, ?)',
					session,
					history,
				);
			}
		});
		const [first = '', last = ''] = [many[0], many.at(-1)];
		const streams = await Promise.all([first, last].map((each) => OpenStream.open(manager, each)));
		expect(
			await rowsWrittenBy((object) => object.broadcast(many, frameOf('to many'))),
		).toBeLessThan(5);
		await Promise.all(streams.map((stream) => stream.until('to many')));
		for (const stream of streams) await stream.cancel();
		await runInDurableObject(syncLayer(), (_instance, { storage }) => {
			storage.sql.exec('DELETE FROM tmcp_histories');
		});
	});

	it('is rejected if a frame exceeds a socket message, and closes no socket', async () => {
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		const manager = new DurableObjectStreamSessionManager(undefined, { onError });
		const id = crypto.randomUUID();
		const stream = await OpenStream.open(manager, id);
		await manager.send([id], frameOf('x'.repeat(11_184_810)));
		expect(errors.map(String)).toEqual([expect.stringContaining('at most 11184554 UTF-16 units')]);
		await manager.send([id], frameOf('still here'));
		await stream.until('still here');
		await stream.cancel();
	});
});
