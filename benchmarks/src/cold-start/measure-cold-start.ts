import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { workerBundle } from '@tmcp-sessions/testkit/workerd';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { contenders, contendersIn } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { initialize, statelessToolCall } from '../mcp-requests.ts';
import { median } from '../median.ts';
import { nodeBuiltinsPlugin } from '../node-builtins-plugin.ts';

/** What a cold start costs a contender. */
interface ColdStart {
	/** The Worker, bundled, minified and compressed; its Durable Object classes with it. */
	readonly gzipBytes: number;
	/** From a new isolate to the first answer, in milliseconds: a median. */
	readonly medianMs: number;
}

/** What was found, by contender. */
export type ColdStarts = Partial<Record<Contender, ColdStart>>;

/** Where each Durable Object class is from: a deployment exports it beside its Worker. */
const classModules: Readonly<Record<string, string>> = {
	SyncLayer: '@tmcp-sessions/streams-durable-object',
	SessionShard: '@tmcp-sessions/info-durable-object',
	BenchmarkSession: './benchmark-session.ts',
	McpAgentObject: './mcp-agent-object.ts',
	// Upstream's has that name among the others alone.
	UpstreamSyncLayer: './upstream-object.ts',
};

const contendersFolder = join(import.meta.dirname, '../contenders');

/**
 * Makes new isolates in one workerd, in turns, and asks each for its first answer: to a call of
 * 2026-07-28, for which no storage is asked.
 */
export async function measureColdStart(
	rounds: number,
	onProgress: (line: string) => void,
): Promise<ColdStarts> {
	const names = contendersIn('cold start');
	const bundles = new Map<string, string>();
	for (const name of names) bundles.set(name, await bundleOf(name));
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
		for (let round = 0; round <= rounds; round += 1) {
			onProgress(`round ${round} of ${rounds}`);
			for (const name of names) {
				// This one serves no other revision and has a session's object made by `initialize`.
				const call = name === 'mcp-agent' ? initialize() : statelessToolCall('add', { a: 1, b: 2 });
				const address = new URL(`/mcp?name=${name}&isolate=${crypto.randomUUID()}`, url);
				const startMs = performance.now();
				const response = await fetch(address, call);
				const body = await response.text();
				const ms = performance.now() - startMs;
				if (name !== 'mcp-agent' && !body.includes('"3"')) {
					throw new Error(`${name} was answered ${response.status} ${body}`);
				}
				if (round > 0) samples.get(name)?.push(ms); // The first one warms up.
			}
		}
	} finally {
		await miniflare.dispose();
	}
	return Object.fromEntries(
		names.map((name) => [
			name,
			{
				gzipBytes: gzipSync(bundles.get(name) ?? '', { level: 9 }).length,
				medianMs: Number(median(samples.get(name) ?? []).toFixed(2)),
			},
		]),
	);
}

/** Keeps the code of Workers, and serves each request by one in an isolate of the name it gives. */
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
				// Nobody is asked there.
				UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1',
				UPSTASH_REDIS_REST_TOKEN: 'none',
			},
		}));
		return worker.getEntrypoint().fetch(request);
	},
};
`;

async function bundleOf(contender: Contender): Promise<string> {
	const exportsOfClasses = contenders[contender].objects.map(
		(name) => `export { ${name} } from '${classModules[name] ?? ''}';`,
	);
	const { outputFiles } = await build({
		...workerBundle,
		stdin: {
			contents: [`export { default } from './${contender}.ts';`, ...exportsOfClasses].join('\n'),
			resolveDir: contendersFolder,
			sourcefile: 'cold-start.ts',
		},
		minify: true,
		plugins: [nodeBuiltinsPlugin],
	});
	return outputFiles[0]?.text ?? '';
}
