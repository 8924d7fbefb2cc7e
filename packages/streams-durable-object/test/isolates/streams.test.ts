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

	const request = async <Json>(name: Isolate, path: string, body?: unknown): Promise<Json> => {
		const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
		const response = await fetch(new URL(path, workers.url(name)), init);
		expect(response.status).toBe(200);
		return (await response.json()) as Json; // Safe because the fixture returns this.
	};
	const openStream = (
		name: Isolate,
		session: string,
		lastEventId?: string,
	): Promise<StreamClient> =>
		StreamClient.open(new URL(`/listen?session=${session}`, workers.url(name)), lastEventId);
	const send = (name: Isolate, session: string, ...messages: string[]): Promise<null> =>
		request(
			name,
			`/send?session=${session}`,
			messages.map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`),
		);

	const counts = (session: string): Promise<Counts> => request('b', `/counts?session=${session}`);

	// Runs first: streams of other tests would send requests.
	it('hibernates when idle while its streams stay open and send no requests', async () => {
		const session = crypto.randomUUID();
		const client = await openStream('a', session);
		const { instances } = await counts(session);
		await afterMs(12_000);
		expect(await counts(session)).toEqual({ instances: instances + 1, requests: 0, isOpen: true });
		await send('b', session, 'after hibernation');
		await expect.poll(() => client.messages).toEqual(['after hibernation']);
		await client.disconnect();
	});

	it('loses, repeats and reorders no message of a stream whose sockets are lost', async () => {
		const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
		console.log(`seed ${seed}`);
		const random = seededRandom(seed);
		const run = crypto.randomUUID();
		const isolate = (): Isolate => (random() < 0.5 ? 'a' : 'b');
		const sessions = Array.from({ length: SESSIONS }, (_, index) => `${run}-${index}`);
		const clients: StreamClient[] = [];
		for (const session of sessions) clients.push(await openStream(isolate(), session));
		const drop = (): Promise<unknown> => request(isolate(), '/drop');
		// If an object is reset or evicted under traffic, workerd of 2026-07-30 sometimes stops the requests
		// that hold its sockets for good, with their timers.
		const faults =
			version === '2026-07-30'
				? [drop]
				: [
						drop,
						() => request(isolate(), '/reset'),
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
		const received = (): number => clients.reduce((sum, { messages }) => sum + messages.length, 0);
		const total = expected.reduce((sum, { length }) => sum + length, 0);
		await expect.poll(received, { timeout: 30_000 }).toBeGreaterThanOrEqual(total);
		for (const [index, { messages, ids, comments }] of clients.entries()) {
			expect(messages).toEqual(expected[index]);
			expect(new Set(ids).size).toBe(ids.length);
			expect(comments).toEqual(['connected']);
		}
		await Promise.all(clients.map((client) => client.disconnect()));
	});

	it('replays missed messages to a client that reconnects through another isolate', async () => {
		const session = crypto.randomUUID();
		const first = await openStream('a', session);
		await send('b', session, 'seen');
		await expect.poll(() => first.messages).toEqual(['seen']);
		await first.disconnect();
		await send('a', session, 'missed 1', 'missed 2');
		const second = await openStream('b', session, first.lastEventId);
		await send('a', session, 'live');
		await expect.poll(() => second.messages).toEqual(['missed 1', 'missed 2', 'live']);
		await second.disconnect();
	});

	it('closes the streams of a session that ends, without reconnecting them', async () => {
		const session = crypto.randomUUID();
		const client = await openStream('a', session);
		await request('b', `/end?session=${session}`);
		expect(await client.ended).toBe('ended');
	});

	// The other release sometimes stops requests that hold a socket of an object that is reset.
	it.runIf(version === 'current')(
		'L16 responses-only-on-resume: carries the response on a stream that resumes the call, through a reset',
		async () => {
			const session = crypto.randomUUID();
			const call = newCallStream(1) ?? '';
			const keep = (sequence: number, message: string, isComplete: boolean): Promise<null> => {
				const frame = withEventId({ stream: call, sequence }, `data: "${message}"\n\n`);
				const events = { stream: call, first: sequence, frames: [frame], isComplete };
				return request('a', `/keep?session=${session}`, events);
			};
			await keep(1, 'missed', false);
			const client = await openStream('b', session, `${call}:0`);
			await expect.poll(() => client.messages).toEqual(['missed']);
			await request('a', '/reset');
			await keep(2, 'response', true);
			expect(await client.ended).toBe('ended');
			expect(client.messages).toEqual(['missed', 'response']);
		},
	);

	it('cuts a client that does not read, and replays the rest when it reconnects', async () => {
		const session = crypto.randomUUID();
		const before = (await request<string[]>('a', '/errors')).length;
		const url = new URL(`/listen?session=${session}`, workers.url('a'));
		const reader = (await fetch(url)).body?.getReader();
		let first = '';
		while (!first.includes('id: ')) {
			first += new TextDecoder().decode((await reader?.read())?.value);
		}
		const messages = Array.from({ length: 60 }, (_, index) => `${index} ${'x'.repeat(200_000)}`);
		for (const message of messages) await send('b', session, message);
		const report = async (): Promise<string[]> =>
			(await request<string[]>('a', '/errors')).slice(before);
		await expect
			.poll(report)
			.toEqual([expect.stringContaining('writing to a stream failed: the client does not read')]);
		await expect.poll(async () => (await counts(session)).isOpen).toBe(false);
		const again = await openStream('b', session, /id: (\S+)/.exec(first)?.[1]);
		await expect.poll(() => again.messages.length).toBe(messages.length);
		// Compared here so that a failure does not print the messages.
		expect(again.messages.map((message, index) => message === messages[index])).not.toContain(
			false,
		);
		await reader?.cancel().catch(() => undefined);
		await again.disconnect();
	});
});
