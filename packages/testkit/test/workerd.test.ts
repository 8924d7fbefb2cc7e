import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkers, workerdVersions } from '../src/workerd/index.ts';
import type { Workers } from '../src/workerd/index.ts';

const entry = fileURLToPath(new URL('workerd-fixture.js', import.meta.url));

interface Answer {
	isolate: string;
	greeting: string;
	stored: string | null;
	instance: string;
	sockets: number;
}

async function ask(url: URL, init: RequestInit = {}): Promise<Answer> {
	const response = await fetch(url, { signal: AbortSignal.timeout(5_000), ...init });
	expect(response.status).toBe(200);
	// Safe because the fixture returns only this shape.
	return (await response.json()) as Answer;
}

/** Returns the ids and executables of the workerd processes that this process started. */
async function workerdChildren(): Promise<string[]> {
	const found: string[] = [];
	for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
		const [stat, command] = await Promise.all([
			readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
			readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
		]);
		const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
		if (parent === String(process.pid) && command.includes('workerd')) {
			found.push(`${pid} ${command.split('\0')[0] ?? ''}`);
		}
	}
	return found;
}

describe.each(workerdVersions)('two Workers on workerd %s', (version) => {
	const log: string[] = [];
	let workers: Workers<'a' | 'b'>;

	beforeAll(async () => {
		workers = await startWorkers({
			entry,
			workers: ['a', 'b'],
			version,
			vars: { GREETING: 'hello' },
			onLog: (line) => log.push(line),
		});
	}, 30_000);
	afterAll(async () => {
		await workers.stop();
		expect(await workerdChildren()).toEqual([]);
	});

	test('run on the requested release', async () => {
		const children = await workerdChildren();
		expect(children).toHaveLength(1);
		const old = children[0]?.includes('1.20260730.1') === true;
		expect(old).toBe(version === '2026-07-30');
	});

	test('are two isolates that share one KV namespace', async () => {
		const a = await ask(new URL('/note', workers.url('a')), { method: 'PUT', body: 'from a' });
		const b = await ask(new URL('/note', workers.url('b')));
		expect(b.isolate).not.toBe(a.isolate);
		expect(b.stored).toBe('from a');
		expect(b.greeting).toBe('hello');
	});

	test('share one Durable Object; an eviction makes a new instance and keeps its sockets', async () => {
		const socket = new WebSocket(new URL('/socket', workers.url('a')).href.replace('http', 'ws'));
		await once(socket, 'open', { signal: AbortSignal.timeout(5_000) });
		const nextMessage = async (): Promise<unknown> => {
			const [event] = await once(socket, 'message', { signal: AbortSignal.timeout(5_000) });
			return event.data;
		};

		let received = nextMessage();
		const before = await ask(new URL('/object/', workers.url('b')));
		expect(await received).toBe(before.instance);
		expect((await ask(new URL('/object/', workers.url('a')))).instance).toBe(before.instance);

		expect(await workers.evict()).toBe(1);
		expect(await workers.evict()).toBe(0);
		received = nextMessage();
		const after = await ask(new URL('/object/', workers.url('b')));
		expect(after.instance).not.toBe(before.instance);
		expect(after.sockets).toBe(1);
		expect(await received).toBe(after.instance);

		const closed = once(socket, 'close', { signal: AbortSignal.timeout(5_000) });
		await workers.evict({ name: 'one', webSockets: 'close' });
		await closed;
		expect((await ask(new URL('/object/', workers.url('a')))).sockets).toBe(0);
	});

	test('lose every connection and keep their storage in a restart', async () => {
		const { isolate } = await ask(new URL('/note', workers.url('b')), {
			method: 'PUT',
			body: 'kept',
		});
		const socket = new WebSocket(new URL('/socket', workers.url('a')).href.replace('http', 'ws'));
		await once(socket, 'open', { signal: AbortSignal.timeout(5_000) });
		const closed = once(socket, 'close', { signal: AbortSignal.timeout(5_000) });
		await workers.restart();
		await closed;
		const after = await ask(new URL('/note', workers.url('b')));
		expect(after).toMatchObject({ stored: 'kept', greeting: 'hello' });
		expect(after.isolate).not.toBe(isolate);
		const [child] = await workerdChildren();
		expect(child?.includes('1.20260730.1')).toBe(version === '2026-07-30');
	});

	test('log to onLog', async () => {
		await ask(new URL('/logged', workers.url('a')));
		await expect.poll(() => log.join('\n')).toContain('answered /logged');
	});

	test('reject an unknown Worker or class with the known names', async () => {
		// @ts-expect-error -- `c` is not a Worker
		expect(() => workers.url('c')).toThrow('unknown Worker c: expected one of a, b');
		await expect(workers.evict({ className: 'Other' })).rejects.toThrow(
			'unknown Durable Object class Other: expected one of SyncLayer',
		);
	});
});

test('startWorkers rejects with the path of a Worker that does not bundle, and leaves no process', async () => {
	await expect(startWorkers({ entry: '/nowhere/worker.ts', workers: ['a'] })).rejects.toThrow(
		'/nowhere/worker.ts',
	);
	expect(await workerdChildren()).toEqual([]);
});

test('startWorkers names a Durable Object class that the entry does not export', async () => {
	const start = startWorkers({
		entry,
		workers: ['a'],
		durableObjects: { TMCP_DURABLE_OBJECT: 'Forgotten' },
	});
	await expect(start).rejects.toThrow(
		'must export the Durable Object class Forgotten; found SyncLayer',
	);
});

test('startWorkers rejects if a Worker throws at its top level, and leaves no process', async () => {
	const start = startWorkers({
		entry,
		workers: ['a'],
		durableObjects: {},
		onLog: () => undefined,
		plugins: [
			{
				name: 'throws',
				setup: ({ onLoad }) =>
					onLoad({ filter: /fixture/ }, () => ({ contents: 'throw new Error()' })),
			},
		],
	});
	await expect(start).rejects.toThrow('failed to start');
	expect(await workerdChildren()).toEqual([]);
});

test('concurrent starts each use their own release', async () => {
	const both = await Promise.all(
		workerdVersions.map((version) => startWorkers({ entry, workers: ['a'], version })),
	);
	const children = (await workerdChildren()).join();
	await Promise.all(both.map((workers) => workers.stop()));
	expect(children).toMatch(/1\.20261117\.1/);
	expect(children).toMatch(/1\.20260730\.1/);
});

test('keepObjects keeps an idle object in memory', async () => {
	const instancesOf = async (keepObjects: boolean): Promise<string[]> => {
		const workers = await startWorkers({ entry, workers: ['a'], keepObjects, onLog: () => {} });
		try {
			const url = new URL('/object/', workers.url('a'));
			const before = await ask(url);
			await delay(12_000); // workerd evicts after ten idle seconds.
			return [before.instance, (await ask(url)).instance];
		} finally {
			await workers.stop();
		}
	};
	const [kept, others] = await Promise.all([instancesOf(true), instancesOf(false)]);
	expect(new Set(kept).size).toBe(1);
	expect(new Set(others).size).toBe(2);
}, 40_000);
