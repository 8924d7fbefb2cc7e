import { gzipSync } from 'node:zlib';
import { workerBundle } from '@tmcp-sessions/testkit/workerd';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { initialize, statelessToolCall } from '../client/mcp-requests.ts';
import { contenders, contendersIn, entriesByContender, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import {
	contenderSource,
	objectsSource,
	workerEntriesPlugin,
	workersFolder,
} from '../runtime/worker-entries.ts';
import type { Effort, Measurement } from './measurement.ts';
import { median, rounded } from './statistics.ts';

interface ColdStart {
	/** The Worker with its Durable Object classes, bundled, minified and compressed. */
	readonly gzipBytes: number;
	/** The time from a new isolate to the first response: a median. */
	readonly medianMs: number;
}

/** Cold starts by contender. */
export type ColdStarts = Partial<Record<Contender, ColdStart>>;

const rounds: Readonly<Record<Effort, number>> = { full: 21, quick: 1 };

/** Measures new isolates in one workerd. No store is read for a first call of 2026-07-28. */
export const coldStart: Measurement<ColdStarts> = {
	async measure(effort, onProgress) {
		const names = contendersIn('cold start');
		const bundles = await Promise.all(
			names.map(async (name) => [name, await bundle(name)] as const),
		);
		const samples = new Map<string, number[]>(names.map((name) => [name, []]));
		const miniflare = new Miniflare({
			cf: false,
			workers: [
				{
					config: {
						name: 'loader',
						compatibilityDate: '2026-07-01',
						compatibilityFlags: ['nodejs_compat'],
						manifest: {
							mainModule: 'index.mjs',
							modules: { 'index.mjs': { type: 'esm', contents: LOADER } },
						},
						env: { LOADER: { type: 'worker-loader' } },
					},
				},
			],
		});
		try {
			const url = await miniflare.ready;
			for (const [name, code] of bundles) {
				await fetch(new URL(`/code?name=${name}`, url), { method: 'POST', body: code });
			}
			for (let round = 0; round <= rounds[effort]; round += 1) {
				onProgress(`round ${round} of ${rounds[effort]}`);
				for (const name of names) {
					const ms = await timeFirstResponse(url, name);
					if (round > 0) samples.get(name)?.push(ms); // The first round warms up.
				}
			}
		} finally {
			await miniflare.dispose();
		}
		return Object.fromEntries(
			bundles.map(([name, code]) => [
				name,
				{
					gzipBytes: gzipSync(code, { level: 9 }).length,
					medianMs: rounded(median(samples.get(name) ?? []), 2),
				},
			]),
		);
	},

	format(coldStarts) {
		const bareMs = coldStarts['bare-worker']?.medianMs ?? NaN;
		return table(
			['cold start', 'bundle, KiB gzip', 'new isolate to first response, to a bare Worker'],
			entriesByContender(coldStarts).map(([name, { gzipBytes, medianMs }]) => [
				titleOf(name),
				(gzipBytes / 1024).toFixed(1),
				(medianMs / bareMs).toFixed(1),
			]),
		);
	},

	shortfalls: () => [],
};

async function timeFirstResponse(url: URL, name: Contender): Promise<number> {
	// McpAgent does not support 2026-07-28, and its `initialize` creates the session's object.
	const call = name === 'mcp-agent' ? initialize() : statelessToolCall('add', { a: 1, b: 2 });
	const address = new URL(`/mcp?name=${name}&isolate=${crypto.randomUUID()}`, url);
	const startMs = performance.now();
	const response = await fetch(address, call);
	const body = await response.text();
	const ms = performance.now() - startMs;
	if (name !== 'mcp-agent' && !body.includes('"3"')) {
		throw new Error(`${name} must return "3"; got ${response.status} ${body}`);
	}
	return ms;
}

async function bundle(name: Contender): Promise<string> {
	const { outputFiles } = await build({
		...workerBundle,
		stdin: {
			contents: [contenderSource(name), objectsSource(contenders[name].objects)].join('\n'),
			resolveDir: workersFolder,
			sourcefile: 'cold-start.ts',
			loader: 'ts',
		},
		minify: true,
		plugins: [workerEntriesPlugin],
	});
	return outputFiles[0]?.text ?? '';
}

/** A Worker that stores the code of others, and runs each request in the isolate that it names. */
const LOADER = `
const codes = new Map();
export default {
	async fetch(request, env) {
		const { pathname, searchParams } = new URL(request.url);
		const name = searchParams.get('name');
		if (pathname === '/code') {
			codes.set(name, await request.text());
			return new Response();
		}
		const worker = env.LOADER.get(searchParams.get('isolate'), () => ({
			compatibilityDate: '2026-07-01',
			compatibilityFlags: ['nodejs_compat'],
			mainModule: 'index.js',
			modules: { 'index.js': codes.get(name) },
			env: {
				TMCP_SESSION_KEYS: 'b2YtYmVuY2htYXJrcy1hbmQtb2Ytbm8tZGVwbG95bWVudA',
				// No request is sent there.
				UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1',
				UPSTASH_REDIS_REST_TOKEN: 'none',
			},
		}));
		return worker.getEntrypoint().fetch(request);
	},
};
`;
