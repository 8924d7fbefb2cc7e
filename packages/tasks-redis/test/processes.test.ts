import { sleep } from '@tmcp-sessions/core/backend';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readNotifications } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { startServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

const BATCH = 50;
const ACCEPT = { 'input-1': { action: 'accept', content: { approve: true } } };

let redis: RunningRedis;
let env: Record<string, string>;
/** A process without a worker, and one with. */
let web: ServerProcess;
let worker: ServerProcess;

beforeAll(async () => {
	redis = await startRedis();
	const keys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
	env = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, TMCP_SESSION_KEYS: keys };
	[web, worker] = await Promise.all([startServer({ ...env, CONCURRENCY: '0' }), startServer(env)]);
});

afterAll(async () => {
	await Promise.all([web.kill(), worker.kill()]);
	await redis.stop();
});

/** Returns the effects of the calls with an id, or of all, in order. */
async function effectsOf(id: string): Promise<string[]> {
	const all = (await redis.command('LRANGE', 'effects', '0', '-1')) as Buffer[]; // Safe because the command returns texts.
	return all.map(String).filter((effect) => id === '' || effect.startsWith(`${id} `));
}

/** Runs a function for 1,000 numbers, in batches. */
async function times(run: (index: number) => Promise<unknown>, count = 1_000): Promise<void> {
	for (let start = 0; start < count; start += BATCH) {
		await Promise.all(Array.from({ length: BATCH }, (_, offset) => run(start + offset)));
	}
}

const paramsOf = ({ params }: Fields): Fields => Object(params) as Fields;
const text = (result: Fields): unknown => Object(Object(result['result']).content)[0]?.text;

describe('M13 tasks: a task of one process that runs in another', () => {
	it('is found by every process when its call is answered', async () => {
		const [a, b] = [web.client(), worker.client()];
		await times(async (index) => {
			const taskId = await a.start('five_steps', { id: `found-${index}` });
			expect((await b.get(taskId)).error).toBeUndefined();
			await b.cancel(taskId);
		}, 100);
	});

	it('leaves memory while it asks, and continues in any process with the answer', async () => {
		const taskId = await web.client().start('ask', { id: 'asks' });
		await worker.client().until(taskId, 'input_required');
		const other = await startServer(env);
		try {
			// A call that waits occupies no worker: the other process may continue it.
			await worker.kill();
			await web.client().update(taskId, ACCEPT);
			const task = await web.client().ended(taskId);
			expect(text(task)).toBe('asks true');
			expect(await effectsOf('asks')).toEqual([
				`asks before ${worker.pid}`,
				`asks after ${other.pid}`,
			]);
		} finally {
			worker = other;
		}
	});

	it('leaves its worker while it sleeps, and continues in time', async () => {
		const other = await startServer({ ...env, CONCURRENCY: '1' });
		try {
			await worker.kill();
			const client = other.client();
			const asleep = await Promise.all(
				['asleep-1', 'asleep-2', 'asleep-3'].map((id) => client.start('sleep', { id })),
			);
			// The only worker is free for other calls.
			const taskId = await client.start('five_steps', { id: 'meanwhile' });
			expect(text(await client.ended(taskId))).toBe('meanwhile: 15');
			expect((await client.get(asleep[0] ?? '')).result).toMatchObject({ status: 'working' });
			for (const id of asleep) expect(text(await client.ended(id))).toBe('awake');
			expect(await effectsOf('asleep-1')).toEqual([
				`asleep-1 before ${other.pid}`,
				`asleep-1 after ${other.pid}`,
			]);
		} finally {
			await other.kill();
			worker = await startServer(env);
		}
	});

	it('is handed over at once by a process that ends with SIGTERM', async () => {
		const [leaving, staying] = [worker, await startServer({ ...env, STALLED_SECONDS: '600' })];
		worker = staying;
		const ids = Array.from({ length: 20 }, (_, index) => `handed-${index}`);
		const client = web.client();
		const taskIds = await Promise.all(ids.map((id) => client.start('five_steps', { id })));
		await leaving.kill('SIGTERM');
		for (const [index, taskId] of taskIds.entries()) {
			expect(text(await client.ended(taskId))).toBe(`${ids[index]}: 15`);
		}
	});

	it('gets the answers to 1,000 of 1,000 questions, of calls that have left memory and of others', async () => {
		await times(async (index) => {
			const id = `answered-${index}`;
			const client = web.client(`user ${index % 10}`);
			const taskId = await client.start(index % 2 === 0 ? 'ask' : 'elicit', { id });
			await client.until(taskId, 'input_required');
			await client.update(taskId, ACCEPT);
			expect(text(await client.ended(taskId))).toBe(`${id} true`);
		});
	}, 240_000);

	it('is aborted by 1,000 of 1,000 cancellations', async () => {
		await times(async (index) => {
			const client = web.client(`user ${index % 10}`);
			const taskId = await client.start('plain', { id: `cancelled-${index}` });
			while ((await client.get(taskId)).result['statusMessage'] !== 'started') await sleep(10);
			await client.cancel(taskId);
			expect((await client.get(taskId)).result).toMatchObject({ status: 'cancelled' });
		});
		const idsOf = async (end: string): Promise<string[]> =>
			(await effectsOf('')).flatMap((effect) => {
				const [id = '', what] = effect.split(' ');
				return id.startsWith('cancelled-') && what === end ? [id] : [];
			});
		expect(new Set(await idsOf('started')).size).toBe(1_000);
		await expect.poll(async () => (await idsOf('aborted')).length).toBe(1_000);
	}, 240_000);

	it('sends 1,000 of 1,000 subscribers each change, in order and once', async () => {
		await times(async (index) => {
			const client = web.client(`user ${index % 10}`);
			const taskId = await client.start('elicit', { id: `observed-${index}` });
			await client.until(taskId, 'input_required');
			const response = await web.client(`user ${index % 10}`).send('subscriptions/listen', {
				notifications: { taskIds: [taskId] },
			});
			const stream = readNotifications(response);
			expect(paramsOf(await stream.next())).toMatchObject({ notifications: { taskIds: [taskId] } });
			await worker.client(`user ${index % 10}`).update(taskId, ACCEPT);
			const seen: Fields[] = [];
			while (seen.at(-1)?.['status'] !== 'completed') seen.push(paramsOf(await stream.next()));
			expect(seen.map(({ status }) => status)).toEqual(['input_required', 'working', 'completed']);
			expect(text(seen.at(-1) ?? {})).toBe(`observed-${index} true`);
			await stream.stop();
		});
	}, 240_000);
});
