import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import type { Plugin } from 'esbuild';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { McpClient } from '../mcp-client.ts';
import { sessionToolCall } from '../mcp-requests.ts';
import type { McpRequest } from '../mcp-requests.ts';
import { Load } from '../throughput/load.ts';

const contenders = ['bare-rpc', 'session-object', 'mcp-agent'] as const;
type Contender = (typeof contenders)[number];

/** How many sessions, at how many connections. */
const cases = [
	{ sessions: 1, connections: 1 },
	{ sessions: 100, connections: 32 },
] as const;

const LEAST_RATIO_TO_AGENT = 3;
const LEAST_RATIO_TO_RPC = 0.6;
const WARM_UP_REQUESTS = 640;

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } });
const rounds = values.quick ? 1 : 9;
const seconds = values.quick ? 0.2 : 1;

/** Parts of the agents SDK ask for Node's modules by their old names. */
const builtins: Plugin = {
	name: 'builtins',
	setup(build) {
		build.onResolve({ filter: /^path$/ }, ({ path }) => ({ path: `node:${path}`, external: true }));
	},
};

const workers = await startWorkers({
	workers: ['objects', ...contenders],
	entry: Object.fromEntries(
		['objects', ...contenders].map((name) => [
			name,
			join(import.meta.dirname, `contenders/${name}.ts`),
		]),
		// Sound: one entry for each name.
	) as Record<'objects' | Contender, string>,
	kvNamespaces: [],
	durableObjects: {
		BARE_OBJECT: 'BareObject',
		MEASURED_SESSION: 'MeasuredSession',
		MEASURED_AGENT: 'MeasuredAgent',
	},
	onLog: () => {},
	plugins: [builtins],
});
const load = new Load();
try {
	for (const { sessions, connections } of cases) {
		await measureCase(workers, sessions, connections);
	}
} finally {
	await load.stop();
	await workers.stop();
}

async function measureCase(
	running: Workers<'objects' | Contender>,
	sessions: number,
	connections: number,
): Promise<void> {
	const calls = new Map<Contender, Calls>();
	for (const name of contenders) calls.set(name, await openSessions(running, name, sessions));
	const samples = new Map<Contender, number[]>(contenders.map((name) => [name, []]));
	const amounts = new Map<Contender, number>();
	for (const name of contenders) {
		await measure(running, name, calls, connections, WARM_UP_REQUESTS);
		const speed = await measure(running, name, calls, connections, WARM_UP_REQUESTS);
		amounts.set(name, Math.ceil(speed * seconds));
	}
	for (let round = 0; round < rounds; round++) {
		for (const name of [...contenders.slice(round % 3), ...contenders.slice(0, round % 3)]) {
			const amount = Math.max(connections, amounts.get(name) ?? 0);
			samples.get(name)?.push(await measure(running, name, calls, connections, amount));
		}
	}
	const medians = Object.fromEntries(
		contenders.map((name) => [name, Math.round(median(samples.get(name) ?? []))]),
	);
	const ours = medians['session-object'] ?? 0;
	const toRpc = ours / (medians['bare-rpc'] ?? 1);
	const toAgent = ours / (medians['mcp-agent'] ?? 1);
	const what = `${sessions} sessions at ${connections} connections`;
	console.log(
		what,
		medians,
		`of a bare RPC ${toRpc.toFixed(2)}, of McpAgent ${toAgent.toFixed(2)}`,
	);
	// A quick run shows that it runs; its figures say little.
	if (values.quick) return;
	if (toRpc >= LEAST_RATIO_TO_RPC && toAgent >= LEAST_RATIO_TO_AGENT) return;
	console.error(`expected at least ${LEAST_RATIO_TO_RPC} and ${LEAST_RATIO_TO_AGENT} for ${what}`);
	process.exitCode = 1;
}

interface Calls {
	readonly requests: readonly McpRequest[];
	/** None where each answer has an id of its own. */
	readonly expectedBody: string | undefined;
}

async function openSessions(
	running: Workers<'objects' | Contender>,
	name: Contender,
	sessions: number,
): Promise<Calls> {
	const url = new URL('/mcp', running.url(name)).href;
	const client = new McpClient(url);
	const requests: McpRequest[] = [];
	let expectedBody: string | undefined;
	for (let count = 0; count < sessions; count++) {
		const call = sessionToolCall(await client.open());
		const response = await fetch(url, call);
		const body = await response.text();
		if (!body.includes('"text":"3"')) throw new Error(`${name}: ${body}`);
		expectedBody = body.includes('id: ') ? undefined : body;
		requests.push(call);
	}
	return { requests, expectedBody };
}

function measure(
	running: Workers<'objects' | Contender>,
	name: Contender,
	calls: ReadonlyMap<Contender, Calls>,
	connections: number,
	amount: number,
): Promise<number> {
	const { requests = [], expectedBody } = calls.get(name) ?? {};
	return load.requestsPerSecond({
		url: new URL('/mcp', running.url(name)).href,
		requests,
		connections,
		amount,
		expectedBody,
	});
}

function median(samples: readonly number[]): number {
	return samples.toSorted((one, other) => one - other)[samples.length >> 1] ?? 0;
}
