import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const entry = join(import.meta.dirname, '../fixture/isolate.ts');

describe.each(workerdVersions)('on workerd %s', { timeout: 30_000 }, (version) => {
	let workers: Workers<'a' | 'b'>;
	const logged: string[] = [];

	beforeAll(async () => {
		const onLog = (line: string): void => void logged.push(line);
		workers = await startWorkers({ entry, workers: ['a', 'b'], version, kvNamespaces: [], onLog });
	}, 30_000);
	afterAll(async () => {
		await workers.stop();
		expect(logged).toEqual([]);
	});

	const ask = async <Json>(name: 'a' | 'b', path: string, init?: RequestInit): Promise<Json> => {
		const response = await fetch(new URL(path, workers.url(name)), init);
		expect(response.status).toBe(200);
		return (await response.json()) as Json; // Sound: the fixture's own answers.
	};
	const deliver = (name: 'a' | 'b', session: string, body: string): Promise<number> =>
		ask(name, `/deliver?session=${session}`, { method: 'POST', body });
	const untilAtWork = async (session: string, requests: number): Promise<void> => {
		const atWork = (): Promise<number> => deliver('b', session, 'anybody there?');
		await expect.poll(atWork, { timeout: 5_000 }).toBe(requests);
	};
	/** Requests at work for the session; each answers with what it got, once it was told to end. */
	const startWork = async (
		session: string,
		...names: ('a' | 'b')[]
	): Promise<Promise<string[]>[]> => {
		const requests = names.map((name) => ask<string[]>(name, `/work?session=${session}`));
		await untilAtWork(session, requests.length);
		return requests;
	};

	// One request, in an object that has made its tables: where messages come while sockets are
	// opened, workerd of 2026-07-30 later tells nobody that they are lost.
	it('a request at work outlives a reset of its object, which ends all sockets', async () => {
		const session = crypto.randomUUID();
		await untilAtWork(session, 0);
		const received = await startWork(session, 'a');
		expect(await ask('b', '/reset')).toContain('reset by a test');
		await untilAtWork(session, 1);
		await deliver('b', session, 'after the reset');
		await deliver('b', session, 'end');
		expect(await Promise.all(received)).toEqual([['after the reset']]);
	});

	it('a message reaches the requests at work in every isolate, and of no other session', async () => {
		const session = crypto.randomUUID();
		const mine = await startWork(session, 'a', 'a', 'b');
		const other = await startWork(`${session}0`, 'a');
		expect(await deliver('b', session, 'from b')).toBe(3);
		expect(await deliver('a', session, 'from a')).toBe(3);
		await Promise.all([deliver('b', session, 'end'), deliver('b', `${session}0`, 'end')]);
		const messages = ['from b', 'from a'];
		expect(await Promise.all(mine)).toEqual([messages, messages, messages]);
		expect(await Promise.all(other)).toEqual([[]]);
		await untilAtWork(session, 0);
	});

	it('the longest message arrives, at three bytes for each unit of it', async () => {
		const session = crypto.randomUUID();
		const longest = '雪'.repeat(11_184_810);
		const received = await startWork(session, 'a');
		expect(await deliver('b', session, longest)).toBe(1);
		await deliver('b', session, 'end');
		const [messages] = await Promise.all(received);
		// Compared here: a failure must not print it.
		expect(messages?.map((message) => message === longest)).toEqual([true]);
	});
});
