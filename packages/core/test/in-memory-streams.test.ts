import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import { DEFAULT_LOG_BOUNDS, runInScope } from '@tmcp-sessions/core/internal';
import { OpenStream } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { InMemoryCallLog } from '../src/streams/in-memory-logs.ts';

const MINUTE_MS = 60_000;
const FRAME = 'event: message\ndata: {}\n\n';
const UNKNOWN = ': gap, the last event id names no known stream of this session';

describe('the history of a session in one process', () => {
	const setUp = (): { manager: InMemoryStreamSessionManager; pass: (ms: number) => void } => {
		let nowMs = Date.UTC(2026, 0, 1);
		const manager = new InMemoryStreamSessionManager({ now: () => nowMs, onError: () => {} });
		return { manager, pass: (ms) => void (nowMs += ms) };
	};

	it('is removed after the session had no stream for as long as messages are stored', async () => {
		const { manager, pass } = setUp();
		const left = await OpenStream.open(manager, 'left');
		const staying = await OpenStream.open(manager, 'staying');
		await left.until('\n\n');
		await staying.until('\n\n');
		await left.cancel();
		pass(11 * MINUTE_MS);
		manager.send(undefined, FRAME);
		await staying.until('data: {}');
		const back = await OpenStream.open(manager, 'left', left.lastEventId);
		await back.until(UNKNOWN);
		await Promise.all([back.cancel(), staying.cancel()]);
	});

	it('is stored while the session has a stream and as long as its messages are', async () => {
		const { manager, pass } = setUp();
		const stream = await OpenStream.open(manager, 'long');
		await stream.until('\n\n');
		pass(60 * MINUTE_MS);
		manager.send(['other'], FRAME);
		await stream.cancel();
		pass(9 * MINUTE_MS);
		manager.send(['long'], FRAME);
		const back = await OpenStream.open(manager, 'long', stream.lastEventId);
		await back.until('data: {}');
		expect(back.text).not.toContain(': gap');
		pass(60 * MINUTE_MS);
		manager.send(['other'], FRAME);
		await back.cancel();
		manager.send(['long'], FRAME);
		const again = await OpenStream.open(manager, 'long', back.lastEventId);
		await again.until('data: {}');
		expect(again.text).not.toContain(': gap');
		await again.cancel();
	});
});

describe('a stream that is older than many others of its session', () => {
	it('is resumed without a gap', async () => {
		const manager = new InMemoryStreamSessionManager({ onError: () => {} });
		const old = await OpenStream.open(manager, 'busy');
		for (let each = 0; each < 40; each++) {
			const short = await OpenStream.open(manager, 'busy');
			await short.cancel();
		}
		manager.send(['busy'], FRAME);
		await old.until('data: {}');
		await old.cancel();
		manager.send(['busy'], FRAME.replace('{}', '"missed"'));
		const back = await OpenStream.open(manager, 'busy', old.lastEventId);
		await back.until('"missed"');
		expect(back.text).not.toContain(': gap');
		await back.cancel();
	});
});

describe('the log of calls in one process', () => {
	it('reads no earlier frame of a call, nor of another one, to store a new one', () => {
		let reads = 0;
		/** The copies that the log makes of these frames count their reads. */
		class CountedFrames extends Array<string> {
			static override get [Symbol.species](): ArrayConstructor {
				// Safe because it is called as a constructor only.
				return function () {
					return new Proxy<string[]>([], {
						get: (target, key, receiver): unknown => {
							reads += 1;
							return Reflect.get(target, key, receiver);
						},
					});
				} as unknown as ArrayConstructor;
			}
		}
		const log = new InMemoryCallLog(DEFAULT_LOG_BOUNDS, () => 0);
		const keep = (call: number, first: number): number => {
			reads = 0;
			const frames = CountedFrames.from([`frame ${first}`]);
			log.keep(`s${call % 2}`, { stream: `call/${call}`, first, frames, isComplete: false });
			return reads;
		};
		const [alone] = [keep(0, 1), keep(1, 1), keep(2, 1)];
		for (let first = 2; first <= 10_000; first++) expect(keep(0, first)).toBe(alone);
		expect(keep(1, 2)).toBe(alone);
	});

	it('stores events in order, within its bounds in count, bytes and age', () => {
		let nowMs = 0;
		const log = new InMemoryCallLog({ messages: 100, bytes: 2_000, ageMs: 1_000 }, () => nowMs);
		const keep = (call: string, first: number, text: string, isComplete = false): void => {
			log.keep('s', { stream: `call/${call}`, first, frames: [text], isComplete });
		};
		const firstsOf = (call: string): number[] =>
			log.of('s', `call/${call}`).map(({ first }) => first);
		for (let first = 1; first <= 1_000; first++) keep('many', first, 'x');
		const many = firstsOf('many');
		expect(many.length).toBeLessThanOrEqual(125);
		expect(many).toEqual(Array.from(many, (_, index) => 1_001 - many.length + index));
		for (let first = 1; first <= 20; first++) keep('large', first, 'x'.repeat(500));
		expect(firstsOf('large').length).toBeLessThanOrEqual(5);
		expect(firstsOf('large').at(-1)).toBe(20);
		nowMs = 900;
		keep('young', 1, 'answer', true);
		keep('young', 2, 'after the answer');
		nowMs = 1_100;
		keep('other', 1, 'x');
		expect(firstsOf('large')).toEqual([]);
		expect(firstsOf('young')).toEqual([1]);
		expect(log.isComplete('s', 'call/young')).toBe(true);
		nowMs = 2_000;
		keep('other', 2, 'x');
		expect(log.isComplete('s', 'call/young')).toBe(false);
		log.forget('s');
		expect(firstsOf('other')).toEqual([]);
		keep('other', 1, 'x');
		expect(firstsOf('other')).toEqual([1]);
	});
});

describe('one client harms others: in one process', () => {
	const LARGE = 'x'.repeat(400_000);
	const answer = (call: string, text: string) => {
		const frames = [`id: ${call}:1\nevent: message\ndata: "${text}"\n\n`];
		return { stream: call, first: 1, frames, isComplete: true };
	};
	const as = <Result>(client: string, run: () => Result): Result =>
		runInScope({ client, waitUntil: () => {} }, run);

	it.each([
		['one session', 1, LARGE],
		['four sessions', 4, LARGE],
		['forty sessions', 40, 'y'.repeat(40_000)],
	])('a client with %s evicts no events of another', async (_case, count, text) => {
		const errors: Error[] = [];
		const manager = new InMemoryStreamSessionManager({
			bounds: { bytes: 1024 * 1024 },
			onError: (error) => void errors.push(error),
		});
		const kept = `kept ${'z'.repeat(60_000)}`;
		await as('one', () => manager.keepCall('one', answer('call/kept', kept)));
		const left = await OpenStream.open(manager, 'one', undefined, undefined, 'one');
		await left.until('\n\n');
		await left.cancel();
		manager.send(['one'], `event: message\ndata: "${kept}"\n\n`);
		for (let round = 0; round < Math.max(count, 4); round++) {
			const session = `other-${round % count}`;
			const stream = await OpenStream.open(manager, session, undefined, undefined, 'other');
			await stream.cancel();
			manager.send([session], `event: message\ndata: "${text}"\n\n`);
			await as('other', () => manager.keepCall(session, answer(`call/${round}`, text)));
		}
		const call = await OpenStream.open(manager, 'one', 'call/kept:0');
		await call.until(kept);
		const again = await OpenStream.open(manager, 'one', left.lastEventId);
		await again.until(kept);
		expect(errors).toEqual([]);
		await again.cancel();
	});

	it('a client opens at most 4,096 streams in all of its sessions, and others go on', async () => {
		const manager = new InMemoryStreamSessionManager({ onError: () => {} });
		const open = (client: string, session: string): Promise<OpenStream> =>
			OpenStream.open(manager, session, undefined, undefined, client);
		const streams: OpenStream[] = [];
		for (let count = 0; count < 4_096; count++) {
			streams.push(await open('one', `session-${count >> 4}`));
		}
		await expect(open('one', 'another')).rejects.toThrow(
			'a client may have at most 4096 open streams',
		);
		await (await open('other', 'of another client')).cancel();
		await streams[0]?.cancel();
		await (await open('one', 'another')).cancel();
		for (const stream of streams.slice(1)) await stream.cancel();
	}, 30_000);
});

describe('delete', () => {
	it('closes the streams of the session even if another request has just closed one', async () => {
		const manager = new InMemoryStreamSessionManager();
		const listening = await OpenStream.open(manager, 'ended');
		const waitUntil = (): void => {};
		const closed = new ReadableStream({
			start(controller) {
				const lastEventId = 'call/gone:0';
				runInScope({ waitUntil, lastEventId }, () => manager.create('ended', controller));
				controller.close();
			},
		});
		await new Response(closed).text();
		runInScope({ waitUntil }, () => manager.delete('ended'));
		await listening.ended;
		expect(await manager.hasOpenStream('ended')).toBe(false);
	});
});
