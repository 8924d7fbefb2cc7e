import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { newCallStream } from '@tmcp-sessions/core/internal';
import { OpenStream } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { ResumableCall } from '../src/calls/resumable-call.ts';

const SESSION = 'session';
const NAME = newCallStream(7) ?? '';

/** Keeps calls one at a time, when `release` is called if `isHeld`. */
class RecordedStreams extends InMemoryStreamSessionManager {
	readonly kept: CallEvents[] = [];
	readonly releases: (() => void)[] = [];
	isHeld = false;
	failure: Error | undefined;

	override async keepCall(session: string, events: CallEvents): Promise<void> {
		this.kept.push(events);
		if (this.isHeld) await new Promise<void>((resolve) => this.releases.push(resolve));
		if (this.failure) throw this.failure;
		await super.keepCall(session, events);
	}
}

function startCall(): { call: ResumableCall; streams: RecordedStreams; reported: unknown[] } {
	const streams = new RecordedStreams();
	const reported: unknown[] = [];
	const call = new ResumableCall(NAME, streams, SESSION, (promise) => {
		promise.catch((error: unknown) => reported.push(error));
	});
	return { call, streams, reported };
}

/** Adds frames as a stream of the transport yields them: some microtasks apart. */
async function addFrames(call: ResumableCall, first: number, count: number): Promise<void> {
	for (let frame = first; frame < first + count; frame++) {
		call.add(`data: "${frame}"\n\n`);
		for (let microtask = 0; microtask < 4; microtask++) await Promise.resolve();
	}
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
const sizesOf = ({ kept }: RecordedStreams): number[] => kept.map(({ frames }) => frames.length);

describe('the frames of a call whose client is away', () => {
	it('are stored in one operation if the call sends them in one turn, the response too', async () => {
		const { call, streams, reported } = startCall();
		call.moveAway();
		expect(streams.kept).toEqual([]);
		await addFrames(call, 1, 1_000);
		await pause();
		expect(sizesOf(streams)).toEqual([1_000]);
		await addFrames(call, 1_001, 10);
		call.complete();
		await call.ended;
		expect(sizesOf(streams)).toEqual([1_000, 10]);
		expect(streams.kept.map(({ isComplete }) => isComplete)).toEqual([false, true]);
		const resumed = await OpenStream.open(streams, SESSION, `${NAME}:0`);
		await resumed.ended;
		expect(resumed.messages).toEqual(Array.from({ length: 1_010 }, (_, index) => `${index + 1}`));
		expect(reported).toEqual([]);
	});

	it('are stored with those of later turns while an operation takes long, in order', async () => {
		const { call, streams } = startCall();
		streams.isHeld = true;
		call.moveAway();
		for (let turn = 0; turn < 20; turn++) {
			await addFrames(call, turn * 5 + 1, 5);
			await pause();
		}
		expect(sizesOf(streams)).toEqual([5]);
		streams.isHeld = false;
		streams.releases[0]?.();
		await pause();
		call.complete(`data: "error"\n\n`);
		await call.ended;
		expect(sizesOf(streams)).toEqual([5, 95, 1]);
		expect(streams.kept.map(({ first }) => first)).toEqual([1, 6, 101]);
	});

	it('are stored in several operations of at most 512 KiB, unless one frame has more', async () => {
		const { call, streams } = startCall();
		streams.isHeld = true;
		call.moveAway();
		await addFrames(call, 1, 1);
		await pause();
		for (const size of [200, 200, 200, 900, 100]) call.add('x'.repeat(size * 1_024));
		streams.isHeld = false;
		streams.releases[0]?.();
		call.complete();
		await call.ended;
		expect(sizesOf(streams)).toEqual([1, 2, 1, 1, 1]);
		expect(streams.kept.map(({ isComplete }) => isComplete)).toEqual([
			false,
			false,
			false,
			false,
			true,
		]);
	});

	it('are stored after a failure, which is reported once', async () => {
		const { call, streams, reported } = startCall();
		call.moveAway();
		streams.failure = new Error('down');
		await addFrames(call, 1, 3);
		await pause();
		streams.failure = undefined;
		await addFrames(call, 4, 1);
		call.complete();
		await call.ended;
		expect(streams.kept.map(({ first }) => first)).toEqual([1, 4]);
		expect(reported).toEqual([new Error('down')]);
	});
});

describe('the frames of a call whose client reads', () => {
	it('are stored with the response only, or when they exceed 512 KiB', async () => {
		const { call, streams } = startCall();
		await addFrames(call, 1, 100);
		await pause();
		expect(streams.kept).toEqual([]);
		call.add('x'.repeat(600 * 1_024));
		await pause();
		expect(sizesOf(streams)).toEqual([100, 1]);
		await addFrames(call, 102, 2);
		await pause();
		call.complete();
		await call.ended;
		expect(sizesOf(streams)).toEqual([100, 1, 2]);
	});
});
