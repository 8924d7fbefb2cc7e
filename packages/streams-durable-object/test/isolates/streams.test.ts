import { withEventId } from '@tmcp-sessions/core/backend';
import { newCallStream } from '@tmcp-sessions/core/internal';
import { seededRandom } from '@tmcp-sessions/testkit';
import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { StreamClient } from './client.ts';

type Isolate = 'a' | 'b';

interface Counts {
	readonly instances: number;
	readonly requests: number;
	readonly isOpen: boolean;
}

const entry = join(import.meta.dirname, '../fixture/streams.ts');
const MESSAGES = 500;
const SESSIONS = 4;

const afterMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(workerdVersions)('on workerd %s', { timeout: 90_000 }, (version) => {
	let workers: Workers<Isolate>;
	const logged: string[] = [];

	beforeAll(async () => {
		const onLog = (line: string): void => void logged.push(line);
		workers = await startWorkers({ entry, workers: ['a', 'b'], version, kvNamespaces: [], onLog });
	}, 30_000);
	afterAll(() => workers.stop());

	const ask = async <Json>(name: Isolate, path: string, body?: unknown): Promise<Json> => {
		const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
		const response = await fetch(new URL(path, workers.url(name)), init);
		expect(response.status).toBe(200);
		return (await response.json()) as Json; // Sound: the fixture's own answers.
	};
	const listen = (name: Isolate, session: string, lastEventId?: string): Promise<StreamClient> =>
		StreamClient.open(new URL(`/listen?session=${session}`, workers.url(name)), lastEventId);
	const send = (name: Isolate, session: string, ...messages: string[]): Promise<null> =>
		ask(
			name,
			`/send?session=${session}`,
			messages.map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`),
		);

	const counts = (session: string): Promise<Counts> => ask('b', `/counts?session=${session}`);

	// Before any other: what they leave behind would ask for something.
	it('hibernation is real: idle, the object leaves memory, its streams stay, and they ask for nothing', async () => {
		const session = crypto.randomUUID();
		const client = await listen('a', session);
		const { instances } = await counts(session);
		await afterMs(12_000);
		expect(await counts(session)).toEqual({ instances: instances + 1, requests: 0, isOpen: true });
		await send('b', session, 'after the wake-up');
		await expect.poll(() => client.messages).toEqual(['after the wake-up']);
		await client.leave();
	});

	it('the client’s stream outlasts every loss of its socket: nothing is lost, repeated or out of order', async () => {
		const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
		console.log(`seed ${seed}`);
		const random = seededRandom(seed);
		const run = crypto.randomUUID();
		const isolate = (): Isolate => (random() < 0.5 ? 'a' : 'b');
		const sessions = Array.from({ length: SESSIONS }, (_, index) => `${run}-${index}`);
		const clients: StreamClient[] = [];
		for (const session of sessions) clients.push(await listen(isolate(), session));
		const drop = (): Promise<unknown> => ask(isolate(), '/drop');
		// Where an object is reset or evicted under traffic, workerd of 2026-07-30 now and then stops
		// the requests that hold its sockets for good, their timers included.
		const faults =
			version === '2026-07-30'
				? [drop]
				: [
						drop,
						() => ask(isolate(), '/reset'),
						() => workers.evict({ webSockets: 'close' }),
						() => workers.evict({ webSockets: 'hibernate' }),
					];
		const expected = sessions.map((): string[] => []);
		for (let number = 0; number < MESSAGES; number++) {
			if (random() < 0.06) await faults[Math.floor(random() * faults.length)]?.();
			if (random() < 0.1) await afterMs(random() * 100);
			const only = random() < 0.5 ? Math.floor(random() * SESSIONS) : undefined;
			await send(isolate(), only === undefined ? '' : (sessions[only] ?? ''), `${number}`);
			for (const [index, messages] of expected.entries()) {
				if (only === undefined || only === index) messages.push(`${number}`);
			}
		}
		const all = (): number => clients.reduce((sum, { messages }) => sum + messages.length, 0);
		const toCome = expected.reduce((sum, { length }) => sum + length, 0);
		await expect.poll(all, { timeout: 30_000 }).toBeGreaterThanOrEqual(toCome);
		for (const [index, { messages, ids, comments }] of clients.entries()) {
			expect(messages).toEqual(expected[index]);
			expect(new Set(ids).size).toBe(ids.length);
			expect(comments).toEqual(['connected']);
		}
		await Promise.all(clients.map((client) => client.leave()));
	});

	it('a client that comes back in another isolate gets what it missed', async () => {
		const session = crypto.randomUUID();
		const first = await listen('a', session);
		await send('b', session, 'seen');
		await expect.poll(() => first.messages).toEqual(['seen']);
		await first.leave();
		await send('a', session, 'missed 1', 'missed 2');
		const second = await listen('b', session, first.lastEventId);
		await send('a', session, 'live');
		await expect.poll(() => second.messages).toEqual(['missed 1', 'missed 2', 'live']);
		await second.leave();
	});

	it('ending a session ends its clients’ streams, and none is opened again', async () => {
		const session = crypto.randomUUID();
		const client = await listen('a', session);
		await ask('b', `/end?session=${session}`);
		expect(await client.ended).toBe('ended');
	});

	// The other release now and then stops whoever holds a socket of an object that is reset.
	it.runIf(version === 'current')(
		'L16 responses-only-on-resume: a stream that resumes a call outlasts a reset',
		async () => {
			const session = crypto.randomUUID();
			const call = newCallStream();
			const keep = (sequence: number, message: string, isComplete: boolean): Promise<null> => {
				const frame = withEventId({ stream: call, sequence }, `data: "${message}"\n\n`);
				const events = { stream: call, first: sequence, frames: [frame], isComplete };
				return ask('a', `/keep?session=${session}`, events);
			};
			await keep(1, 'missed', false);
			const client = await listen('b', session, `${call}:0`);
			await expect.poll(() => client.messages).toEqual(['missed']);
			await ask('a', '/reset');
			await keep(2, 'answer', true);
			expect(await client.ended).toBe('ended');
			expect(client.messages).toEqual(['missed', 'answer']);
		},
	);

	it('a client that does not read is cut, and gets the rest when it comes back', async () => {
		const session = crypto.randomUUID();
		const before = (await ask<string[]>('a', '/errors')).length;
		const url = new URL(`/listen?session=${session}`, workers.url('a'));
		const reader = (await fetch(url)).body?.getReader();
		let begun = '';
		while (!begun.includes('id: ')) {
			begun += new TextDecoder().decode((await reader?.read())?.value);
		}
		const messages = Array.from({ length: 60 }, (_, index) => `${index} ${'x'.repeat(200_000)}`);
		for (const message of messages) await send('b', session, message);
		const report = async (): Promise<string[]> =>
			(await ask<string[]>('a', '/errors')).slice(before);
		await expect
			.poll(report, { timeout: 5_000 })
			.toEqual([expect.stringContaining('writing to a stream failed: the client does not read')]);
		await expect.poll(async () => (await counts(session)).isOpen).toBe(false);
		const again = await listen('b', session, /id: (\S+)/.exec(begun)?.[1]);
		await expect.poll(() => again.messages.length, { timeout: 5_000 }).toBe(messages.length);
		// Compared here: a failure must not print it.
		expect(again.messages.map((message, index) => message === messages[index])).not.toContain(
			false,
		);
		await reader?.cancel().catch(() => undefined);
		await again.leave();
	});
});
