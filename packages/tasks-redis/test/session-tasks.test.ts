import { SessionTaskClient } from '@tmcp-sessions/testkit/session-task-client';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { startServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

const ACCEPT = { result: { action: 'accept', content: { approve: true } } };

describe('L29 session-tasks: tasks of 2025-11-25 in two processes over Redis', () => {
	let redis: RunningRedis;
	/** A process without a worker, and one with. */
	let web: ServerProcess;
	let worker: ServerProcess;

	beforeAll(async () => {
		redis = await startRedis();
		const keys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
		const env = {
			REDIS_URL: `redis://127.0.0.1:${redis.port}`,
			TMCP_SESSION_KEYS: keys,
			SESSIONS: '1',
		};
		[web, worker] = await Promise.all([
			startServer({ ...env, CONCURRENCY: '0' }),
			startServer(env),
		]);
	});
	afterAll(async () => {
		await Promise.all([web.kill(), worker.kill()]);
		await redis.stop();
	});

	const open = async (user = 'alice'): Promise<[SessionTaskClient, SessionTaskClient]> => {
		const client = await SessionTaskClient.open(web.handler, { headers: { 'x-user': user } });
		return [client, client.at(worker.handler)];
	};
	const textOf = (result: unknown): unknown => Object(Object(Object(result).content)[0]).text;

	it('are asked in one process what was created in the other, and answered there', async () => {
		const [one, other] = await open();
		const { taskId } = await one.start('ask', { id: 'session' });
		const stream = await other.send('tasks/result', { taskId });
		let message: Fields = await stream.next();
		while (message['method'] !== 'elicitation/create') message = await stream.next();
		await one.respond(message['id'], ACCEPT);
		while (!message['result']) message = await stream.next();
		expect(textOf(message['result'])).toBe('session true');
		const again = await one.request('tasks/result', { taskId });
		expect(again.result).toEqual(message['result']);
	});

	it('are cancelled in one process, which ends a request that waits in the other', async () => {
		const [one, other] = await open();
		const { taskId } = await one.start('plain', { id: 'cancelled' });
		const waiting = other.request('tasks/result', { taskId });
		expect((await one.request('tasks/cancel', { taskId })).result).toMatchObject({
			status: 'cancelled',
		});
		expect((await waiting).error).toMatchObject({ message: 'The task was cancelled' });
	});

	it('are listed in every process, for their session only', async () => {
		const [one, other] = await open('carl');
		const { taskId } = await one.start('elicit', { id: 'listed' });
		expect((await other.request('tasks/list')).result).toMatchObject({ tasks: [{ taskId }] });
		const [, stranger] = await open('carl');
		expect((await stranger.request('tasks/list')).result).toEqual({ tasks: [] });
		expect((await stranger.request('tasks/get', { taskId })).error?.code).toBe(-32602);
	});
});
