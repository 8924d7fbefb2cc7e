import { gzipSync } from 'node:zlib';
import { Miniflare } from 'miniflare';
import { initialize, statelessToolCall, SUM } from '../client/mcp.ts';
import { contenders, contendersIn, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { bundle, contenderSource, objectsSource } from '../runtime.ts';
import { entriesOf, mapValues, measurement, median, rounded, takeTurns } from './measurement.ts';
import type { Effort } from './measurement.ts';

const rounds: Readonly<Record<Effort, number>> = { full: 21, quick: 1 };

/** Measures new isolates in one workerd. No store is read for a first call of 2026-07-28. */
export const coldStart = measurement({
	async measure(effort, onProgress) {
		const names = contendersIn('cold-start');
		const sources = names.map(
			(name) => `${contenderSource(name)}${objectsSource(contenders[name].objects)}${BINDINGS}`,
		);
		const codes = await bundle(sources, { minify: true });
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
			for (const [index, body] of codes.entries()) {
				await fetch(new URL(`/code?name=${names[index]}`, url), { method: 'POST', body });
			}
			const times = await takeTurns(
				names,
				{ least: rounds[effort], most: rounds[effort], warmUps: 1 },
				(name) => timeFirstResponse(url, name),
				onProgress,
			);
			return mapValues(times, (own, name) => ({
				/** The Worker with its Durable Object classes, bundled, minified and compressed. */
				gzipBytes: gzipSync(codes[names.indexOf(name)] ?? '', { level: 9 }).length,
				/** The time from a new isolate to the first response. */
				medianMs: rounded(median(own), 2),
			}));
		} finally {
			await miniflare.dispose();
		}
	},

	format(coldStarts) {
		const bareMs = coldStarts['bare-worker'].medianMs;
		return table(
			'cold start | bundle, KiB gzip | new isolate to first response, to a bare Worker',
			entriesOf(coldStarts).map(([name, { gzipBytes, medianMs }]) => [
				titleOf(name),
				(gzipBytes / 1024).toFixed(1),
				(medianMs / bareMs).toFixed(1),
			]),
		);
	},
});

async function timeFirstResponse(url: URL, name: Contender): Promise<number> {
	// McpAgent does not support 2026-07-28, and its `initialize` creates the session's object.
	const isAgent = name === 'mcp-agent';
	const address = new URL(`/mcp?name=${name}&isolate=${crypto.randomUUID()}`, url);
	const startMs = performance.now();
	const response = await fetch(address, isAgent ? initialize() : statelessToolCall());
	const body = await response.text();
	const ms = performance.now() - startMs;
	if (isAgent || body.includes(SUM)) return ms;
	throw new Error(`${name} must return the sum; got ${response.status} ${body}`);
}

/** Stand-ins for the bindings that a loaded Worker cannot have. A first call of 2026-07-28 uses none. */
const BINDINGS = `
import { env as bindings } from 'cloudflare:workers';
const unused = () => { throw new Error('a first call of 2026-07-28 uses no binding'); };
const namespace = { newUniqueId: unused, idFromName: () => ({}), getByName: unused };
const store = { get: unused, getWithMetadata: unused, put: unused, delete: unused, list: unused };
Object.assign(bindings, {
	BENCHMARK_SESSION: namespace,
	TMCP_DURABLE_OBJECT: namespace,
	TMCP_SESSION_SHARD: namespace,
	TMCP_SESSION_INFO: store,
});
`;

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
