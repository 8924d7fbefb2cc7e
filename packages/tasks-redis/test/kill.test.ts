import { sleep } from '@tmcp-sessions/core/backend';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

const TASKS = 100;
const STEPS = 5;

let redis: RunningRedis;
let env: Record<string, string>;
/** A process without a worker, which is not killed. */
let web: ServerProcess;

beforeAll(async () => {
	redis = await startRedis();
	const keys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
	env = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, TMCP_SESSION_KEYS: keys };
	web = await startServer({ ...env, CONCURRENCY: '0' });
});

afterAll(async () => {
	await web.kill();
	await redis.stop();
});

async function effects(): Promise<string[]> {
	const all = (await redis.command('LRANGE', 'effects', '0', '-1')) as Buffer[]; // Safe because the command returns texts.
	return all.map(String);
}

async function untilEffects(count: number): Promise<void> {
	while (Number(await redis.command('LLEN', 'effects')) < count) await sleep(5);
}

describe('processes that are killed in the middle of steps', () => {
	it('lose no task and no result, and run no stored step again', async () => {
		const start = (): Promise<ServerProcess> => startServer({ ...env, CONCURRENCY: '8' });
		const workers = await Promise.all([start(), start()]);
		try {
			const clients = Array.from({ length: 10 }, (_, user) => web.client(`user ${user}`));
			const clientOf = (index: number): (typeof clients)[number] =>
				clients[index % clients.length] ?? web.client();
			const taskIds = await Promise.all(
				Array.from({ length: TASKS }, (_, index) =>
					clientOf(index).start('five_steps', { id: `k${index}` }),
				),
			);
			for (const count of [60, 200, 350, 500, 700]) {
				await untilEffects(count);
				await workers.shift()?.kill();
				workers.push(await start());
			}
			for (const [index, taskId] of taskIds.entries()) {
				const task = await clientOf(index).ended(taskId);
				expect(task, `task ${index}: ${String(task['statusMessage'])}`).toMatchObject({
					status: 'completed',
					result: { content: [{ text: `k${index}: 15` }] },
				});
			}
			const stored = new Set<string>();
			const again: string[] = [];
			for (const effect of await effects()) {
				if (effect.endsWith(' stored')) stored.add(effect.slice(0, -' stored'.length));
				else if (stored.has(effect)) again.push(effect);
			}
			expect(again).toEqual([]);
			expect(stored.size).toBe(TASKS * STEPS);
		} finally {
			await Promise.all(workers.map((worker) => worker.kill()));
		}
	}, 180_000);

	it('let a call fail that has no steps, and say so', async () => {
		const worker = await startServer(env);
		const taskId = await web.client().start('plain', { id: 'cut off' });
		while ((await web.client().get(taskId)).result['statusMessage'] !== 'started') await sleep(10);
		await worker.kill();
		const other = await startServer(env);
		try {
			expect((await web.client().ended(taskId))['statusMessage']).toBe(
				'plain was interrupted by a restart and cannot be resumed: it is not annotated as idempotent ' +
					'and has stored no steps. Call it again',
			);
		} finally {
			await other.kill();
		}
	}, 60_000);
});

describe('a process that is paused while it runs a call', () => {
	it('writes nothing when it comes back, since another process has continued the call', async () => {
		const paused = await startServer(env);
		const taskId = await web.client().start('held', { id: 'h' });
		const seen = async (effect: string): Promise<void> => {
			while (!(await effects()).includes(effect)) await sleep(10);
		};
		await seen('h held in 1');
		paused.pause(true);
		const other = await startServer(env);
		try {
			await seen('h held in 2');
			await redis.command('SET', 'go 1', '');
			paused.pause(false);
			await seen('h stopped in 1');
			expect((await web.client().get(taskId)).result).toMatchObject({ status: 'working' });
			await redis.command('SET', 'go 2', '');
			expect((await web.client().ended(taskId))['result']).toMatchObject({
				content: [{ text: 'attempt 2' }],
			});
			expect(await effects()).not.toContain('h stored in 1');
		} finally {
			await Promise.all([paused.kill(), other.kill()]);
		}
	}, 60_000);
});
