import { eventIdOf } from '@tmcp-sessions/core/backend';
import { describe, expect, it } from 'vitest';

import { frameOf } from './fixture/rows.ts';
import { syncLayer } from './fixture/sync-layer.ts';
import { MAX_GROUP_SIZE } from '../src/wire/stream-messages.ts';
import type { GroupMessage } from '../src/wire/stream-messages.ts';
import { Backoff } from '../src/worker/backoff.ts';
import { FrameHandOver } from '../src/worker/frame-hand-over.ts';
import { openSocket } from '../src/worker/open-socket.ts';
import { ReconnectingStream } from '../src/worker/reconnecting-stream.ts';
import { StreamGroups } from '../src/worker/stream-groups.ts';

const half = 'x'.repeat(512 * 1024);

describe('FrameHandOver', () => {
	it('returns what was pushed before and while the request waits', async () => {
		const handOver = new FrameHandOver();
		handOver.push(0, 'a');
		handOver.push(1, 'b');
		expect(await handOver.wait()).toBe(true);
		expect(handOver.take()).toEqual([
			{ number: 0, frame: 'a' },
			{ number: 1, frame: 'b' },
		]);
		const waiting = handOver.wait();
		handOver.push(2, 'c');
		handOver.push(3, 'd');
		expect(await waiting).toBe(true);
		expect(handOver.take()).toEqual([
			{ number: 2, frame: 'c' },
			{ number: 3, frame: 'd' },
		]);
	});

	it('ends a request that waits, and drops what is pushed after close', async () => {
		const handOver = new FrameHandOver();
		const waiting = handOver.wait();
		handOver.close();
		expect(await waiting).toBe(false);
		handOver.push(0, 'a');
		expect(await handOver.wait()).toBe(false);
		expect(handOver.take()).toEqual([]);
	});

	it('overflows beyond 1 MiB, and accepts one frame of any length', async () => {
		const handOver = new FrameHandOver();
		handOver.push(0, half.repeat(4));
		expect(handOver.take()).toHaveLength(1);
		handOver.push(1, half);
		handOver.push(2, half);
		expect(handOver.hasOverflowed).toBe(false);
		handOver.push(3, 'x');
		expect(handOver.hasOverflowed).toBe(true);
		expect(await handOver.wait()).toBe(false);
	});
});

describe('StreamGroups', () => {
	it('gives the places of streams that ended without leaving them to others, once its groups are full', () => {
		const groups = new StreamGroups(true);
		const received: number[] = [];
		const ended = new Set<number>();
		const join = (index: number) =>
			groups.join(
				{
					receive: () => void received.push(index),
					signal: () => {},
					isOpen: () => !ended.has(index),
					isStuck: () => false,
				},
				'',
			);
		const places = Array.from({ length: MAX_GROUP_SIZE }, (_, index) => join(index));
		const [first, second, third] = places;
		expect(new Set(places.map((place) => place?.group)).size).toBe(1);
		ended.add(0).add(1);
		expect(join(64)?.group).toBe(first?.group);
		// Its place was taken already.
		second?.leave();
		expect(join(65)?.group).toBe(first?.group);
		expect(join(66)?.group).not.toBe(first?.group);
		const to = [first, second, third].map((place) => [place?.member ?? -1, 0, 0] as const);
		third?.shared.distribute(undefined, { to, frame: '', sequence: 1, shard: '', epoch: '' });
		expect(received).toEqual([2]);
	});
});

/** Opens streams of one group. The messages for several of them wait until `distribute` is called. */
async function openGroup(size: number) {
	const groups = new StreamGroups(true);
	// Its log is empty.
	const object = syncLayer(crypto.randomUUID());
	const waiting: { distributeNow: () => void; message: GroupMessage }[] = [];
	const counts = { opened: 0, written: 0 };
	const errors: unknown[] = [];
	const open = async () => {
		const session = crypto.randomUUID();
		const frames: string[] = [];
		const opening = Promise.withResolvers<void>();
		const body = new ReadableStream<Uint8Array>({
			async start(controller) {
				const stream = new ReconnectingStream({
					controller: counted(controller, () => (counts.written += 1)),
					lastEventId: undefined,
					knowsPolling: true,
					openSocket: (lastEventId, rank, place) => {
						counts.opened += 1;
						const purpose = { role: 'stream', session, lastEventId, rank, place } as const;
						return openSocket({ stub: object }, purpose);
					},
					join: (joining) => groups.join(joining, ''),
					distribute: (distributeNow, message) => void waiting.push({ distributeNow, message }),
					backoff: new Backoff({ random: () => 0, now: Date.now, sleep: async () => {} }),
					callWaitMs: 1_000,
					report: (cause) => void errors.push(cause),
					onEnd: () => {},
				});
				await stream.open().then(opening.resolve, opening.reject);
			},
		});
		const read = async (): Promise<void> => {
			let text = '';
			const decoder = new TextDecoder();
			for await (const chunk of body) {
				const parts = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
				text = parts.pop() ?? '';
				frames.push(...parts.map((part) => `${part}\n\n`));
			}
		};
		read().catch((error: unknown) => void errors.push(error));
		await opening.promise;
		return { session, frames };
	};
	const streams = await Promise.all(Array.from({ length: size }, open));
	const distribute = (): void => {
		for (const { distributeNow } of waiting.splice(0)) distributeNow();
	};
	return { object, streams, counts, waiting, errors, distribute };
}

/** Returns a controller that counts what is written. */
function counted(
	controller: ReadableStreamDefaultController<Uint8Array>,
	count: () => void,
): ReadableStreamDefaultController<Uint8Array> {
	return {
		get desiredSize() {
			return controller.desiredSize;
		},
		enqueue: (chunk) => {
			count();
			controller.enqueue(chunk);
		},
		close: () => controller.close(),
		error: (reason) => controller.error(reason),
	};
}

/** Returns the first letters of a stream's messages. */
function lettersOf(frames: readonly string[]): string {
	return frames.flatMap((frame) => /^data: "(.)/m.exec(frame)?.[1] ?? []).join('');
}

describe('a stream of a group', () => {
	it('gets a message from the request that receives it, if its client has read all earlier ones', async () => {
		const { object, streams, counts, waiting, errors, distribute } = await openGroup(2);
		const sessions = streams.map(({ session }) => session);
		const publish = (letter: string) => object.publish([{ sessions, frame: frameOf(letter) }]);
		for (const { frames } of streams) await expect.poll(() => frames.length).toBe(1);
		for (const letter of 'abc') await publish(letter);
		await expect.poll(() => waiting.length).toBe(3);
		const before = counts.written;
		distribute();
		// A stream that holds a message that its client has not read hands the next ones over.
		expect(counts.written - before).toBe(4);
		for (const { frames } of streams) await expect.poll(() => lettersOf(frames)).toBe('abc');
		await publish('d');
		await publish('e');
		await expect.poll(() => waiting.length).toBe(2);
		// The later message arrives first: its stream waits for the earlier one.
		waiting.reverse();
		distribute();
		for (const { frames } of streams) await expect.poll(() => lettersOf(frames)).toBe('abcde');
		expect(errors).toEqual([]);
	});

	it('resumes if its request takes no frames before they exceed 1 MiB', async () => {
		const { object, streams, counts, waiting, errors, distribute } = await openGroup(2);
		const sessions = streams.map(({ session }) => session);
		for (const letter of 'ab') {
			await object.publish([{ sessions, frame: frameOf(letter + 'x'.repeat(400_000)) }]);
		}
		await expect.poll(() => waiting.length).toBe(2);
		expect(counts.opened).toBe(2);
		// Three times, because the log of this object holds no more than 1 MiB.
		waiting.push(...waiting, ...waiting);
		distribute();
		await expect.poll(() => counts.opened).toBe(4);
		for (const { frames } of streams) await expect.poll(() => lettersOf(frames)).toBe('ab');
		await object.publish([{ sessions, frame: frameOf('c') }]);
		await expect.poll(() => waiting.length).toBe(1);
		distribute();
		for (const { frames } of streams) {
			await expect.poll(() => lettersOf(frames)).toBe('abc');
			const ids = frames.flatMap((frame) => eventIdOf(frame) ?? []);
			expect(new Set(ids).size).toBe(ids.length);
		}
		expect(errors).toEqual([]);
	});

	it('resumes at once if the frames that wait for a missing one exceed 1 MiB', async () => {
		const { object, streams, counts, waiting, errors } = await openGroup(2);
		const sessions = streams.map(({ session }) => session);
		await object.publish([{ sessions, frame: frameOf('a') }]);
		await expect.poll(() => waiting.length).toBe(1);
		const [first] = streams;
		for (const letter of 'bcd') {
			await object.publish([
				{ sessions: sessions.slice(0, 1), frame: frameOf(letter + 'x'.repeat(350_000)) },
			]);
		}
		await expect.poll(() => lettersOf(first?.frames ?? []), { timeout: 900 }).toBe('abcd');
		expect(counts.opened).toBe(3);
		expect(errors).toEqual([]);
	});
});
