import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion } from '@tmcp-sessions/testkit/workerd';
import { describe, expect, it, onTestFinished } from 'vitest';

import { Isolates } from './isolates.ts';

const TIMEOUT_MS = 30_000;

async function startIsolates(version: WorkerdVersion): Promise<Isolates> {
	const isolates = await Isolates.start(version);
	onTestFinished(async () => {
		await isolates.stop();
		expect(isolates.logged).toEqual([]);
	});
	return isolates;
}

describe.each(workerdVersions)('on workerd %s', { timeout: TIMEOUT_MS }, (version) => {
	it('a message reaches the requests at work in every isolate, and of no other session', async () => {
		const isolates = await startIsolates(version);
		const mine = await isolates.startWork('mine', 'a', 'a', 'b');
		const other = await isolates.startWork('mine0', 'a');
		expect(await isolates.deliver('b', 'mine', 'from b')).toBe(3);
		expect(await isolates.deliver('a', 'mine', 'from a')).toBe(3);
		await isolates.deliver('b', 'mine', 'end');
		await isolates.deliver('b', 'mine0', 'end');
		const messages = ['from b', 'from a'];
		expect(await Promise.all(mine)).toEqual([messages, messages, messages]);
		expect(await Promise.all(other)).toEqual([[]]);
		await isolates.untilAtWork('mine', 0);
	});

	it('the longest message arrives, at three bytes for each unit of it', async () => {
		const isolates = await startIsolates(version);
		const longest = '雪'.repeat(11_184_810);
		const received = await isolates.startWork('mine', 'a');
		expect(await isolates.deliver('b', 'mine', longest)).toBe(1);
		await isolates.deliver('b', 'mine', 'end');
		const [messages] = await Promise.all(received);
		// Compared here: a failure must not print it.
		expect(messages?.map((message) => message === longest)).toEqual([true]);
	});
});

// On the current release alone: the one of 2026-07-30 often tells a Worker nothing of the reset
// where its socket was opened a moment ago.
it(
	'a request at work outlives a reset of its object, which ends all sockets',
	async () => {
		const isolates = await startIsolates('current');
		const received = await isolates.startWork('mine', 'a', 'b');
		expect(await isolates.reset()).toContain('reset by a test');
		await isolates.untilAtWork('mine', 2);
		expect(await isolates.deliver('b', 'mine', 'after the reset')).toBe(2);
		await isolates.deliver('b', 'mine', 'end');
		expect(await Promise.all(received)).toEqual([['after the reset'], ['after the reset']]);
	},
	TIMEOUT_MS,
);
