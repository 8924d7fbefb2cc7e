import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../src/redis/index.ts';
import type { RunningRedis } from '../src/redis/index.ts';

let redis: RunningRedis;

beforeAll(async () => {
	redis = await startRedis();
}, 30_000);
afterAll(async () => {
	await redis.stop();
});

interface Answer {
	status: number;
	body: unknown;
}

async function post(path: string, body: unknown, headers: object = {}): Promise<Answer> {
	const response = await fetch(redis.url + path, {
		method: 'POST',
		headers: { authorization: `Bearer ${redis.token}`, ...headers },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	});
	expect(response.headers.get('content-type')).toBe('application/json');
	return { status: response.status, body: await response.json() };
}

async function isTaken(port: number): Promise<boolean> {
	const socket = connect(port, '127.0.0.1');
	try {
		await once(socket, 'connect');
		return true;
	} catch {
		return false;
	} finally {
		socket.destroy();
	}
}

async function folderOf(running: RunningRedis): Promise<string> {
	return String(await running.command('CONFIG', 'GET', 'dir')).split(',')[1] ?? '';
}

describe("Upstash's REST protocol in front of Redis", () => {
	test('answers a command', async () => {
		expect(await post('/', ['SET', 'a', 7])).toEqual({ status: 200, body: { result: 'OK' } });
		expect(await post('/', ['GET', 'a'])).toEqual({ status: 200, body: { result: '7' } });
		expect(await post('/', ['GET', 'b'])).toEqual({ status: 200, body: { result: null } });
		expect(await post('/', ['INCR', 'a'])).toEqual({ status: 200, body: { result: 8 } });
		expect(await post('/', ['EVAL', 'return {1, "é", {false}}', 0])).toEqual({
			status: 200,
			body: { result: [1, 'é', [null]] },
		});
	});

	test('answers in base64 on request, except for the status OK', async () => {
		const encoding = { 'upstash-encoding': 'base64' };
		expect((await post('/', ['SET', 'ok', 'OK'], encoding)).body).toEqual({ result: 'OK' });
		expect((await post('/', ['GET', 'ok'], encoding)).body).toEqual({ result: 'T0s=' });
		expect((await post('/', ['PING'], encoding)).body).toEqual({ result: 'UE9ORw==' });
		const bytes = 'return {1, string.char(255, 0)}';
		expect((await post('/', ['EVAL', bytes, 0], encoding)).body).toEqual({ result: [1, '/wA='] });
	});

	test('answers each command of a pipeline, an error in its place', async () => {
		const commands = [['SET', 'p', '1'], ['LPUSH', 'p', '1'], ['GET', 'p'], ['NO']];
		expect(await post('/pipeline', commands)).toEqual({
			status: 200,
			body: [
				{ result: 'OK' },
				{ error: 'WRONGTYPE Operation against a key holding the wrong kind of value' },
				{ result: '1' },
				{ error: expect.stringContaining("ERR unknown command 'NO'") },
			],
		});
	});

	test('runs a transaction as one, and no command of a rejected one', async () => {
		expect(
			await post('/multi-exec', [
				['SET', 'm', '1'],
				['LPUSH', 'm', '1'],
				['INCR', 'm'],
			]),
		).toEqual({
			status: 200,
			body: [
				{ result: 'OK' },
				{ error: 'WRONGTYPE Operation against a key holding the wrong kind of value' },
				{ result: 2 },
			],
		});
		expect(
			await post('/multi-exec', [
				['SET', 'm', '9'],
				['SET', 'm'],
			]),
		).toEqual({
			status: 400,
			body: { error: "ERR wrong number of arguments for 'set' command" },
		});
		expect(await redis.command('GET', 'm')).toEqual(Buffer.from('2'));
	});

	test('lets no command of another request into a transaction', async () => {
		await redis.command('SET', 'n', '0');
		const steps = Array.from({ length: 50 }, () => ['INCR', 'n']);
		const answers = await Promise.all(
			Array.from({ length: 40 }, (_, index) =>
				post(index % 2 ? '/pipeline' : '/multi-exec', steps),
			),
		);
		for (const [index, { body }] of answers.entries()) {
			if (index % 2) continue;
			// Safe because each INCR answers with a number.
			const results = (body as { result: number }[]).map(({ result }) => result);
			expect(results).toEqual(results.map((_, step) => (results[0] ?? 0) + step));
		}
	});

	test('rejects a wrong or missing token', async () => {
		const refused = { status: 401, body: { error: 'WRONGPASS invalid or missing auth token' } };
		expect(await post('/', ['PING'], { authorization: 'Bearer no' })).toEqual(refused);
		expect(await post('/pipeline', 'junk', { authorization: '' })).toEqual(refused);
	});

	test.each([
		['/', 'not json', 'ERR failed to parse command'],
		['/', '{}', 'ERR failed to parse command'],
		['/', '[]', 'ERR failed to parse command'],
		['/', '["GET",{}]', 'ERR failed to parse command'],
		['/pipeline', '["GET","a"]', 'ERR failed to parse command'],
		['/pipeline', '[]', 'ERR failed to parse command'],
		['/', '["multi"]', "ERR Command is not available: 'MULTI'"],
		['/multi-exec', '[["PING"],["WATCH","a"]]', "ERR Command is not available: 'WATCH'"],
	])('rejects POST %s with %s', async (path, body, error) => {
		expect(await post(path, body)).toEqual({ status: 400, body: { error } });
	});

	test('rejects methods other than POST', async () => {
		const response = await fetch(redis.url, {
			headers: { authorization: `Bearer ${redis.token}` },
		});
		expect(response.status).toBe(405);
	});

	test('records its requests, and no direct command', async () => {
		redis.takeRequests();
		await redis.command('PING');
		await post('/', ['ping']);
		await post('/multi-exec', [
			['get', 'a'],
			['INCR', 'c'],
		]);
		expect(redis.takeRequests()).toEqual([
			{ path: '/', commands: ['PING'] },
			{ path: '/multi-exec', commands: ['GET', 'INCR'] },
		]);
		expect(redis.takeRequests()).toEqual([]);
	});
});

describe('startRedis', () => {
	test('starts several, each with its own port, token and data', async () => {
		const others = await Promise.all([startRedis(), startRedis(), startRedis()]);
		try {
			await redis.command('SET', 'shared', '1');
			for (const other of others) expect(await other.command('GET', 'shared')).toBeNull();
			expect(new Set([redis, ...others].map(({ port }) => port)).size).toBe(4);
			expect(new Set([redis, ...others].map(({ token }) => token)).size).toBe(4);
		} finally {
			await Promise.all(others.map((other) => other.stop()));
		}
	});

	test('leaves no process and no directory after stop', async () => {
		const running = await startRedis();
		const folder = await folderOf(running);
		expect(existsSync(folder)).toBe(true);
		await running.stop();
		expect(await isTaken(running.port)).toBe(false);
		expect(existsSync(folder)).toBe(false);
	});

	test('leaves no process and no directory after the process that started it is killed', async () => {
		const module = new URL('../src/redis/index.ts', import.meta.url).href;
		const program = `
			import { startRedis } from '${module}';
			const redis = await startRedis();
			const [, folder] = String(await redis.command('CONFIG', 'GET', 'dir')).split(',');
			console.log(JSON.stringify({ port: redis.port, folder }));`;
		const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
		const [line] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
		const { port, folder } = JSON.parse(String(line));
		expect(await isTaken(port)).toBe(true);
		child.kill('SIGKILL');
		await expect.poll(() => isTaken(port)).toBe(false);
		await expect.poll(() => existsSync(folder)).toBe(false);
	}, 20_000);

	test('rejects with install instructions if redis-server is not installed', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'no-redis-'));
		for (const name of ['sh', 'mktemp', 'rm']) symlinkSync(join('/bin', name), join(folder, name));
		const before = process.env['PATH'];
		process.env['PATH'] = folder;
		try {
			await expect(startRedis()).rejects.toMatchObject({
				code: 'configuration',
				message:
					'[tmcp-sessions/testkit] redis-server is not installed. Get it with ' +
					'`apt-get install redis-server` (Debian, Ubuntu) or `brew install redis` (macOS).',
			});
		} finally {
			process.env['PATH'] = before;
			rmSync(folder, { recursive: true });
		}
	});
});
