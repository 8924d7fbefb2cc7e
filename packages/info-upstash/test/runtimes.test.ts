import { fileURLToPath } from 'node:url';
import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { build } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();
const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Returns the external imports of each module in a bundle for these conditions. */
async function externalImports(
	conditions: string[],
	platform: 'browser' | 'neutral',
): Promise<object> {
	const { metafile } = await build({
		entryPoints: [path('../src/index.ts')],
		bundle: true,
		write: false,
		metafile: true,
		format: 'esm',
		platform,
		mainFields: ['module', 'main'],
		conditions,
		external: ['node:*'],
		logLevel: 'silent',
	});
	return Object.fromEntries(
		Object.entries(metafile.inputs)
			.map(([input, { imports }]) => [input, imports.filter(({ external }) => external)] as const)
			.filter(([, imports]) => imports.length > 0)
			.map(([input, imports]) => [
				input.split('/').slice(-2).join('/'),
				imports.map((i) => i.path),
			]),
	);
}

describe('the bundle of info-upstash', () => {
	it.each([
		['a browser', ['browser', 'import'], 'browser' as const],
		["Vercel's edge runtime", ['edge-light', 'worker', 'browser', 'import'], 'neutral' as const],
		['Deno', ['deno', 'worker', 'import'], 'neutral' as const],
	])('for %s imports only the node:* modules of core', async (_, conditions, platform) => {
		expect(await externalImports(conditions, platform)).toEqual({
			'dist/request-scope.js': ['node:async_hooks'],
		});
	});
});

describe.each(workerdVersions)('on workerd %s', (version) => {
	async function start(
		url: string,
	): Promise<(name: 'a' | 'b', init?: RequestInit) => Promise<{ status: number; text: string }>> {
		const log: string[] = [];
		const workers = await startWorkers({
			entry: path('worker.ts'),
			workers: ['a', 'b'],
			version,
			kvNamespaces: [],
			durableObjects: {},
			compatibilityFlags: ['nodejs_als'],
			vars: { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: redis().token },
			onLog: (line) => log.push(line),
		});
		onTestFinished(async () => {
			await workers.stop();
			expect(log.filter((line) => /hung|never settle|different request/.test(line))).toEqual([]);
		});
		const id = crypto.randomUUID();
		return async (name, init) => {
			const response = await fetch(new URL(`/${id}`, workers.url(name)), init);
			return { status: response.status, text: await response.text() };
		};
	}

	it('shares a session and its end between isolates', async () => {
		const fetchFrom = await start(redis().url);
		const opened = { clientInfo: { name: 'Zoë', version: '1' }, subscribed: true };
		await fetchFrom('a', { method: 'POST', body: 'Zoë' });
		expect(JSON.parse((await fetchFrom('b')).text)).toEqual(opened);
		await fetchFrom('b', { method: 'DELETE' });
		expect(JSON.parse((await fetchFrom('a')).text)).toEqual({ subscribed: false });
	}, 30_000);

	it('serves 100 concurrent requests', async () => {
		const fetchFrom = await start(redis().url);
		await fetchFrom('a', { method: 'POST', body: 'one' });
		const all = await Promise.all(Array.from({ length: 100 }, () => fetchFrom('a')));
		expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
	}, 30_000);

	it('throws a StoreError if the service is down', async () => {
		const fetchFrom = await start('http://127.0.0.1:1');
		const { status, text } = await fetchFrom('a');
		expect(status).toBe(503);
		expect(text).toMatch(/^StoreError: \[tmcp-sessions\/info-upstash\] reading a session failed: /);
		expect(text).not.toContain(redis().token);
	}, 30_000);
});
