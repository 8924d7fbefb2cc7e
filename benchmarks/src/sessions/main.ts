import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { McpClient } from '../mcp-client.ts';
import { sessionToolCall } from '../mcp-requests.ts';
import { median } from '../median.ts';
import { cpuMicroseconds, workerdProcesses } from '../memory/process-memory.ts';
import { nodeBuiltinsPlugin } from '../node-builtins-plugin.ts';
import { Load } from '../throughput/load.ts';
import type { LoadStep } from '../throughput/load.ts';

const contenders = ['bare-rpc', 'bare-transport', 'session-object', 'mcp-agent'] as const;
type Contender = (typeof contenders)[number];

/** How many sessions, at how many connections. */
const cases = [
	{ sessions: 1, connections: 1 },
	{ sessions: 100, connections: 32 },
] as const;

/** What a run of calls took. */
interface Sample {
	/** Calls a second. */
	readonly speed: number;
	/** Microseconds of CPU that workerd took for a call: on a machine that others use, what can be compared. */
	readonly cpuUs: number;
}

const LEAST_RATIO_TO_AGENT = 3;
const LEAST_RATIO_TO_RPC = 0.6;
const WARM_UP_REQUESTS = 640;
/** Part of every answer. */
const EXPECTED = '"text":"3"';

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } });
const rounds = values.quick ? 1 : 9;
const seconds = values.quick ? 0.2 : 1;

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
		BARE_TRANSPORT: 'BareTransport',
		MEASURED_SESSION: 'MeasuredSession',
		MEASURED_AGENT: 'MeasuredAgent',
	},
	onLog: () => {},
	plugins: [nodeBuiltinsPlugin],
});
const [workerd = 0] = workerdProcesses();
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
	const calls = new Map<Contender, LoadStep[]>();
	for (const name of contenders) calls.set(name, await openSessions(running, name, sessions));
	const samples = new Map<Contender, Sample[]>(contenders.map((name) => [name, []]));
	const amounts = new Map<Contender, number>();
	for (const name of contenders) {
		await measure(running, name, calls, connections, WARM_UP_REQUESTS);
		const { speed } = await measure(running, name, calls, connections, WARM_UP_REQUESTS);
		amounts.set(name, Math.ceil(speed * seconds));
	}
	for (let round = 0; round < rounds; round++) {
		const first = round % contenders.length;
		for (const name of [...contenders.slice(first), ...contenders.slice(0, first)]) {
			const amount = Math.max(connections, amounts.get(name) ?? 0);
			samples.get(name)?.push(await measure(running, name, calls, connections, amount));
		}
	}
	console.log(`${sessions} sessions at ${connections} connections`);
	report(samples);
}

/** Prints medians, and says where they are not what is expected. */
function report(samples: ReadonlyMap<Contender, readonly Sample[]>): void {
	const medianOf = (name: Contender, what: keyof Sample): number =>
		median((samples.get(name) ?? []).map((sample) => sample[what]));
	const rows = contenders.map((name) => [
		name,
		{
			'calls/s': Math.round(medianOf(name, 'speed')),
			'of a bare RPC': (medianOf(name, 'speed') / medianOf('bare-rpc', 'speed')).toFixed(2),
			'CPU µs': Math.round(medianOf(name, 'cpuUs')),
			'of a bare RPC by CPU': (medianOf('bare-rpc', 'cpuUs') / medianOf(name, 'cpuUs')).toFixed(2),
		},
	]);
	console.table(Object.fromEntries(rows));
	// A quick run shows that it runs; its figures say little.
	if (values.quick) return;
	const toRpc = medianOf('session-object', 'speed') / medianOf('bare-rpc', 'speed');
	const toAgent = medianOf('session-object', 'speed') / medianOf('mcp-agent', 'speed');
	if (toRpc >= LEAST_RATIO_TO_RPC && toAgent >= LEAST_RATIO_TO_AGENT) return;
	console.error(
		`expected at least ${LEAST_RATIO_TO_RPC} of a bare RPC and ${LEAST_RATIO_TO_AGENT} of McpAgent; ` +
			`found ${toRpc.toFixed(2)} and ${toAgent.toFixed(2)}`,
	);
	process.exitCode = 1;
}

/** A call of each session that was opened. */
async function openSessions(
	running: Workers<'objects' | Contender>,
	name: Contender,
	sessions: number,
): Promise<LoadStep[]> {
	const client = new McpClient(new URL('/mcp', running.url(name)).href);
	const steps: LoadStep[] = [];
	for (let count = 0; count < sessions; count++) {
		const request = sessionToolCall(await client.open());
		await client.send(request, EXPECTED);
		steps.push({ request, expected: EXPECTED });
	}
	return steps;
}

/** @param times how many calls there are, about: each connection takes turns with as many sessions. */
async function measure(
	running: Workers<'objects' | Contender>,
	name: Contender,
	calls: ReadonlyMap<Contender, readonly LoadStep[]>,
	connections: number,
	times: number,
): Promise<Sample> {
	const own = calls.get(name) ?? [];
	const turns = Math.ceil(own.length / connections);
	const steps = Array.from({ length: connections }, (_, connection) =>
		Array.from(
			{ length: turns },
			(__, turn) => own[(connection + turn * connections) % own.length],
		),
	).map((row) => row.filter((step) => step !== undefined));
	const rounds = Math.max(connections, Math.ceil(times / turns));
	const url = new URL('/mcp', running.url(name)).href;
	const beforeUs = cpuMicroseconds(workerd);
	const speed = turns * (await load.roundsPerSecond({ url, steps, rounds }));
	return { speed, cpuUs: (cpuMicroseconds(workerd) - beforeUs) / (rounds * turns) };
}
