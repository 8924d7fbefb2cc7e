import { sleep } from '@tmcp-sessions/core/backend';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { expect } from 'vitest';

import { frameOf, OpenStream } from '../clients/open-stream.ts';

/** The stream manager that a case tests. */
export interface StreamsUnderTest {
	readonly manager: StreamSessionManager;
	/** The manager of another isolate over the same backend; `manager` itself if it has one isolate only. */
	readonly elsewhere: StreamSessionManager;
	/** Evicts the objects of the backend from memory, as after 10 s of idleness. Streams stay open. */
	evict(): Promise<void>;
}

/** The arguments of a case. */
export interface StreamSubject extends StreamsUnderTest {
	/** Returns a session id that no other case uses, ending in `label`. */
	id(label: string): string;
}

/** One requirement of every stream manager. `run` rejects if the manager violates it. */
export interface StreamCase {
	readonly name: string;
	run(subject: StreamSubject): Promise<void>;
}

/** Creates the managers for one case. The backend may hold data of other cases. */
export type StreamsFactory = () => StreamsUnderTest | Promise<StreamsUnderTest>;

/** How long to wait for a message that must not arrive, after a later one has arrived. */
const SILENCE_MS = 50;

/** Endings of ids with characters that are special in a URL, a key or a path. */
export const AWKWARD_LABELS: readonly string[] = [
	'#x',
	'&session=other',
	'/../../etc/passwd',
	' with space',
	'%23',
	'雪',
	':',
];

export const streamCases: readonly StreamCase[] = [
	{
		name: 'sends a message to its session and to no other',
		async run({ manager, id }) {
			const mine = await OpenStream.open(manager, id('mine'));
			const other = await OpenStream.open(manager, id('other'));
			await manager.send([id('mine')], frameOf('for mine'));
			await manager.send([id('other')], frameOf('for other'));
			await Promise.all([mine.until('for mine'), other.until('for other')]);
			expect(mine.messages).toEqual(['for mine']);
			expect(other.messages).toEqual(['for other']);
		},
	},
	{
		name: 'tells apart ids with characters that are special in a URL, a key or a path',
		async run({ manager, id }) {
			const victim = await OpenStream.open(manager, id(''));
			for (const label of AWKWARD_LABELS) {
				const stream = await OpenStream.open(manager, id(label));
				await manager.send([id(label)], frameOf(`to ${label}`));
				await stream.until(JSON.stringify(`to ${label}`));
			}
			await manager.send([id('')], frameOf('to victim'));
			await victim.until('to victim');
			expect(victim.messages).toEqual(['to victim']);
		},
	},
	{
		name: 'sends a message of another isolate',
		async run({ manager, elsewhere, id }) {
			const stream = await OpenStream.open(manager, id(''));
			await elsewhere.send([id('')], frameOf('from elsewhere'));
			await stream.until('from elsewhere');
		},
	},
	{
		name: 'sends every message after the opening of a stream, in order',
		async run({ manager, elsewhere, id }) {
			const stream = await OpenStream.open(manager, id(''));
			const messages = Array.from({ length: 100 }, (_, index) => `message ${index}`);
			for (const message of messages) await elsewhere.send([id('')], frameOf(message));
			await stream.until('message 99');
			expect(stream.messages).toEqual(messages);
		},
	},
	{
		name: 'sends a broadcast to every session once',
		async run({ manager, elsewhere, id }) {
			const labels = Array.from({ length: 20 }, (_, index) => `${index}`);
			const streams = await Promise.all(labels.map((label) => OpenStream.open(manager, id(label))));
			await elsewhere.send(undefined, frameOf(id('to all')));
			await Promise.all(streams.map((stream) => stream.until(id('to all'))));
			await sleep(SILENCE_MS);
			for (const { text } of streams) expect(text.split(id('to all'))).toHaveLength(2);
		},
	},
	{
		name: 'sends a message once to a session that is listed twice, and nowhere for an empty list',
		async run({ manager, id }) {
			const stream = await OpenStream.open(manager, id(''));
			await manager.send([], frameOf('without a recipient'));
			await manager.send([id(''), id('')], frameOf('to one'));
			await manager.send([id('')], frameOf('last'));
			await stream.until('last');
			expect(stream.messages).toEqual(['to one', 'last']);
		},
	},
	{
		name: 'sends a message although another listed session has no stream',
		async run({ manager, id }) {
			const stream = await OpenStream.open(manager, id('open'));
			await manager.send([id('never opened'), id('open')], frameOf('arrives'));
			await stream.until('arrives');
		},
	},
	{
		name: 'keeps streams open through an eviction and sends the messages after it',
		async run({ manager, elsewhere, evict, id }) {
			const stream = await OpenStream.open(manager, id(''));
			for (const round of ['first', 'second', 'third']) {
				await evict();
				await elsewhere.send([id('')], frameOf(`${round} to one`));
				await evict();
				await elsewhere.send(undefined, frameOf(`${round} to all`));
				await stream.until(`${round} to all`);
			}
			expect(stream.text.match(/to (?:one|all)/g)).toHaveLength(6);
		},
	},
	{
		name: 'L15 stream-takeover, L17 concurrent-streams, L18 single-delivery: sends on a new stream at once and leaves the old one open',
		async run({ manager, elsewhere, evict, id }) {
			const old = await OpenStream.open(manager, id(''));
			expect(await manager.has(id(''))).toBe(false);
			const newest = await OpenStream.open(elsewhere, id(''));
			await evict();
			await manager.send([id('')], frameOf('to one'));
			await manager.send(undefined, frameOf('to all'));
			await newest.until('to all');
			await sleep(SILENCE_MS);
			expect(newest.messages).toEqual(['to one', 'to all']);
			expect(old.messages).toEqual([]);
			expect(await Promise.race([old.ended.then(() => 'ended'), sleep(0)])).toBeUndefined();
		},
	},
	{
		name: 'keeps a newer stream when the client closes an older one',
		async run({ manager, id }) {
			const old = await OpenStream.open(manager, id(''));
			const newest = await OpenStream.open(manager, id(''));
			await old.cancel();
			await manager.send([id('')], frameOf('still here'));
			await newest.until('still here');
		},
	},
	{
		name: 'sends on the previous stream after the newest one closed',
		async run({ manager, evict, id }) {
			const old = await OpenStream.open(manager, id(''));
			const newest = await OpenStream.open(manager, id(''));
			await newest.cancel();
			await evict();
			await manager.send([id('')], frameOf('to the old one'));
			await old.until('to the old one');
		},
	},
	{
		name: 'ends all streams of a session with it in every isolate, and no other stream',
		async run({ manager, elsewhere, evict, id }) {
			const first = await OpenStream.open(manager, id('ended'));
			const second = await OpenStream.open(elsewhere, id('ended'));
			const other = await OpenStream.open(manager, id('other'));
			await evict();
			await elsewhere.delete(id('ended'));
			await Promise.all([first.ended, second.ended]);
			await manager.send([id('ended'), id('other')], frameOf('after the end'));
			await other.until('after the end');
			expect([...first.messages, ...second.messages]).toEqual([]);
		},
	},
	{
		name: 'ignores the end of a session without a stream',
		async run({ manager, id }) {
			await manager.delete(id('never opened'));
		},
	},
	{
		name: 'sends a broadcast although one of the clients has disconnected',
		async run({ manager, elsewhere, id }) {
			const labels = Array.from({ length: 10 }, (_, index) => `${index}`);
			const streams = await Promise.all(labels.map((label) => OpenStream.open(manager, id(label))));
			await streams[4]?.cancel();
			await elsewhere.send(undefined, frameOf(id('to the others')));
			const others = streams.filter((_, index) => index !== 4);
			await Promise.all(others.map((stream) => stream.until(id('to the others'))));
		},
	},
];
