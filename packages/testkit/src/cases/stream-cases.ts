import type { StreamSessionManager } from '@tmcp/session-manager';
import { expect } from 'vitest';

import { frameOf, OpenStream } from '../clients/open-stream.ts';
import { sleep } from '../sleep.ts';

/** A stream manager as the suite needs it. */
export interface StreamsUnderTest {
	readonly manager: StreamSessionManager;
	/** The manager of another isolate over the same backend; where there is one only, that one. */
	readonly elsewhere: StreamSessionManager;
	/** Puts what serves the backend out of memory, as idleness would. Streams stay open. */
	evict(): Promise<void>;
}

/** What a case works with. */
export interface StreamSubject extends StreamsUnderTest {
	/** A session id that no other case uses, ending in `label`. */
	id(label: string): string;
}

/** One thing that holds for every stream manager. Rejects where it does not. */
export interface StreamCase {
	readonly name: string;
	run(subject: StreamSubject): Promise<void>;
}

/** Opens a stream manager for one case; the backend may hold what other cases left there. */
export type StreamsFactory = () => StreamsUnderTest | Promise<StreamsUnderTest>;

/** How long a message that must not come is waited for, once a later one has come. */
const SILENCE_MS = 50;

/** Ends of ids that mean something in a URL, a key or a path. */
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
		name: 'a message reaches the session it is for and no other',
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
		name: 'an id with characters of a URL, a key or a path reaches no other session',
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
		name: 'a message sent in another isolate arrives',
		async run({ manager, elsewhere, id }) {
			const stream = await OpenStream.open(manager, id(''));
			await elsewhere.send([id('')], frameOf('from elsewhere'));
			await stream.until('from elsewhere');
		},
	},
	{
		name: 'what was sent after a stream was opened arrives, and arrives in order',
		async run({ manager, elsewhere, id }) {
			const stream = await OpenStream.open(manager, id(''));
			const messages = Array.from({ length: 100 }, (_, index) => `message ${index}`);
			for (const message of messages) await elsewhere.send([id('')], frameOf(message));
			await stream.until('message 99');
			expect(stream.messages).toEqual(messages);
		},
	},
	{
		name: 'a broadcast reaches every session, each once',
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
		name: 'a session that is named twice gets a message once; nobody is named, nobody gets it',
		async run({ manager, id }) {
			const stream = await OpenStream.open(manager, id(''));
			await manager.send([], frameOf('to nobody'));
			await manager.send([id(''), id('')], frameOf('to one'));
			await manager.send([id('')], frameOf('last'));
			await stream.until('last');
			expect(stream.messages).toEqual(['to one', 'last']);
		},
	},
	{
		name: 'a session without a stream keeps no other from its message',
		async run({ manager, id }) {
			const stream = await OpenStream.open(manager, id('open'));
			await manager.send([id('never opened'), id('open')], frameOf('arrives'));
			await stream.until('arrives');
		},
	},
	{
		name: 'streams outlive an eviction, and messages after it arrive',
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
		name: 'L15 stream-takeover, L17 concurrent-streams, L18 single-delivery: a new stream takes over at once, and the old one stays open',
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
		name: 'an older stream that its client leaves takes no newer one with it',
		async run({ manager, id }) {
			const old = await OpenStream.open(manager, id(''));
			const newest = await OpenStream.open(manager, id(''));
			await old.cancel();
			await manager.send([id('')], frameOf('still here'));
			await newest.until('still here');
		},
	},
	{
		name: 'when the newest stream has left, messages go to the one before it',
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
		name: 'ending a session ends all its streams in every isolate, and no other session',
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
		name: 'ending a session that has no stream does nothing',
		async run({ manager, id }) {
			await manager.delete(id('never opened'));
		},
	},
	{
		name: 'a client that left keeps no other from its message',
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
