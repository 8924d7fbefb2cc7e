import { startRedis } from '@tmcp-sessions/testkit/redis';
import { Load } from '../client/load.ts';
import { workloadSteps } from '../client/workload-steps.ts';
import type { Workload } from '../client/workload-steps.ts';
import { contendersIn, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { versionOf } from '../reports/versions.ts';
import { endpoint, startContenders } from '../runtime/start-contenders.ts';
import type { RunningContenders } from '../runtime/start-contenders.ts';
import type { Effort, Measurement, Progress } from './measurement.ts';
import { aimsTable, inTurn, isSettled, median, missedAims, rounded } from './statistics.ts';
import type { Aim, Rounds } from './statistics.ts';

interface ThroughputEffort {
	/** Rounds of calls, in each of which every contender has one turn. */
	readonly rounds: Rounds;
	/** Rounds of sessions, whose turns take longer. */
	readonly sessionRounds: Rounds;
	/** The approximate length of a turn. */
	readonly seconds: number;
	/** How often each connection repeats its steps to warm up, and again to estimate its speed. */
	readonly warmUps: number;
	readonly maxConnections: number;
}

interface Work {
	/** Its column in tables. */
	readonly title: string;
	readonly workload: Workload;
	/** Concurrent connections, each with its own session. */
	readonly connections: number;
	readonly contenders: readonly Contender[];
}

const one = { least: 1, most: 1 };
const efforts: Readonly<Record<Effort, ThroughputEffort>> = {
	full: {
		rounds: { least: 5, most: 9 },
		sessionRounds: { least: 3, most: 5 },
		seconds: 0.5,
		warmUps: 10,
		maxConnections: 32,
	},
	quick: { rounds: one, sessionRounds: one, seconds: 0, warmUps: 0, maxConnections: 2 },
};

/** Everything that is measured, by name. */
export const works = {
	'call-1': { title: 'call', workload: 'call', connections: 1, contenders: contendersIn('call') },
	'call-32': { title: 'call', workload: 'call', connections: 32, contenders: contendersIn('call') },
	'stateless-1': {
		title: 'call, 2026-07-28',
		workload: 'stateless call',
		connections: 1,
		contenders: contendersIn('stateless call'),
	},
	'stateless-32': {
		title: 'call, 2026-07-28',
		workload: 'stateless call',
		connections: 32,
		contenders: contendersIn('stateless call'),
	},
	'initialize-32': {
		title: 'initialize',
		workload: 'initialize',
		connections: 32,
		contenders: contendersIn('whole session'),
	},
	'session-32': {
		title: 'session of ten calls',
		workload: 'session',
		connections: 32,
		contenders: contendersIn('whole session'),
	},
} as const satisfies Record<string, Work>;

/** The name of a work. */
export type WorkName = keyof typeof works;

/** All works, in the order in which they are measured. */
// Safe because the keys are those of the literal above.
export const workNames = Object.keys(works) as WorkName[];

/** Every contender that takes part, in the order of the tables. All of them make calls. */
const measuredContenders: readonly Contender[] = contendersIn('call');

/** The columns of the short table. */
const shortWorks = [
	'call-1',
	'call-32',
	'stateless-32',
	'session-32',
] as const satisfies WorkName[];

/** Contenders to which speeds are relative. There is no ratio if the reference was not measured. */
const references = {
	toBareWorker: 'bare-worker',
	/** A bare Worker with one RPC to a Durable Object. */
	toObjectCall: 'bare-worker-object',
	/** Unmodified tmcp with its managers in memory. */
	toMemoryBare: 'memory-bare',
	toUpstream: 'upstream',
} as const satisfies Record<string, Contender>;

const measuredPackages = [
	'tmcp',
	'@tmcp/transport-http',
	'@tmcp/session-manager-durable-objects',
	'agents',
	'@modelcontextprotocol/sdk',
	'@modelcontextprotocol/server',
	'miniflare',
	'workerd',
];

/** Speeds of one contender relative to others: 1 is as fast. */
type Ratios = Partial<Record<keyof typeof references, number>>;

/** Speeds in rounds a second, one for each round. */
export type Samples = Record<WorkName, Partial<Record<Contender, number[]>>>;

/** Ratios only: unlike speeds they mean something on another machine. */
export interface Throughput {
	readonly versions: Record<string, string>;
	/** The rounds behind the medians. */
	readonly rounds: Record<WorkName, number>;
	readonly works: Record<WorkName, Partial<Record<Contender, Ratios>>>;
}

/** Measures the speed of responses. All contenders run side by side and take turns. */
export const throughput: Measurement<Throughput> = {
	async measure(effort, onProgress) {
		const redis = await startRedis();
		const load = new Load();
		let running: RunningContenders<Contender> | undefined;
		try {
			running = await startContenders(measuredContenders, {
				vars: { UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token },
			});
			const samples: Partial<Samples> = {};
			for (const name of workNames) {
				samples[name] = await measureWork(name, running, load, efforts[effort], onProgress);
			}
			// Safe because there is one entry for each work.
			return ratiosOf(samples as Samples);
		} finally {
			await load.stop();
			await running?.stop();
			await redis.stop();
		}
	},

	format(result) {
		const { versions, rounds, works: measured } = result;
		const ratioTable = (reference: keyof Ratios): string =>
			table(
				['speed', ...workNames.map(titleOfWork)],
				[
					...measuredContenders.map((contender) => [
						titleOf(contender),
						...workNames.map((work) => formatRatio(measured[work][contender]?.[reference])),
					]),
					['rounds', ...workNames.map((work) => String(rounds[work]))],
				],
			);
		const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
		return [
			'To a bare Worker:',
			ratioTable('toBareWorker'),
			'To `@tmcp/session-manager-durable-objects`:',
			ratioTable('toUpstream'),
			aimsTable('calls, 32 connections', aimsOf(result)),
			`Measured with ${list.join(', ')}.`,
		].join('\n\n');
	},

	shortfalls: (result, effort) => (effort === 'quick' ? [] : missedAims(aimsOf(result))),
};

/** The most important works; of ours only those through `http`. */
export function shortThroughputTable({ works: measured }: Throughput): string {
	return table(
		[
			'to a bare Worker',
			...shortWorks.map(titleOfWork),
			'to upstream: call, 32 connections',
			'session of ten calls',
		],
		contendersIn('short table').map((name) => [
			titleOf(name),
			...shortWorks.map((work) => formatRatio(measured[work][name]?.toBareWorker)),
			formatRatio(measured['call-32'][name]?.toUpstream),
			formatRatio(measured['session-32'][name]?.toUpstream),
		]),
	);
}

async function measureWork(
	name: WorkName,
	running: RunningContenders<Contender>,
	load: Load,
	effort: ThroughputEffort,
	onProgress: Progress,
): Promise<Partial<Record<Contender, number[]>>> {
	const { workload, contenders } = works[name];
	const connections = Math.min(works[name].connections, effort.maxConnections);
	const rounds =
		workload === 'initialize' || workload === 'session' ? effort.sessionRounds : effort.rounds;
	const turns = new Map<Contender, () => Promise<number>>();
	onProgress(`${name}: warming up ${contenders.length} contenders`);
	for (const contender of contenders) {
		const url = endpoint(running, contender);
		const steps = await workloadSteps(workload, connections, contender, url);
		const turn = (times: number): Promise<number> =>
			load.roundsPerSecond({ url, steps, rounds: connections * Math.max(1, Math.round(times)) });
		let amount = 1;
		if (effort.warmUps > 0) {
			await turn(effort.warmUps);
			amount = ((await turn(effort.warmUps)) * effort.seconds) / connections;
		}
		turns.set(contender, () => turn(amount));
	}
	const samples: Partial<Record<Contender, number[]>> = {};
	for (let round = 0; !isSettled(toBareWorker(samples), rounds); round += 1) {
		onProgress(`${name}: round ${round + 1} of ${rounds.least} to ${rounds.most}`);
		for (const contender of inTurn(contenders, round)) {
			(samples[contender] ??= []).push((await turns.get(contender)?.()) ?? NaN);
		}
	}
	return samples;
}

/** Returns the ratios of the rounds so far, which decide whether they have settled. */
function toBareWorker(samples: Partial<Record<Contender, number[]>>): number[][] {
	const bare = samples['bare-worker'] ?? [];
	const ratios = Object.values(samples).map((own) =>
		own.map((speed, round) => speed / (bare[round] ?? NaN)),
	);
	return ratios.length === 0 ? [[]] : ratios;
}

/** Takes the medians over the rounds of the ratios within each round, so other load counts less. */
export function ratiosOf(samples: Samples): Throughput {
	const ratios = (work: WorkName, contender: Contender): Ratios => {
		const own = samples[work][contender] ?? [];
		const found: Ratios = {};
		for (const [name, reference] of Object.entries(references)) {
			const others = samples[work][reference];
			if (!others) continue;
			const ratio = median(own.map((speed, round) => speed / (others[round] ?? NaN)));
			// Safe because the keys are those of the literal above.
			found[name as keyof Ratios] = rounded(ratio, 3);
		}
		return found;
	};
	const byWork = workNames.map((work) => [
		work,
		Object.fromEntries(works[work].contenders.map((name) => [name, ratios(work, name)])),
	]);
	const rounds = workNames.map((work) => [work, samples[work]['bare-worker']?.length ?? 0]);
	return {
		versions: Object.fromEntries(measuredPackages.map((name) => [name, versionOf(name)])),
		// Safe because both have one entry for each work.
		rounds: Object.fromEntries(rounds) as Throughput['rounds'],
		works: Object.fromEntries(byWork) as Throughput['works'],
	};
}

/** The aims of calls at 32 connections. */
function aimsOf({ works: measured }: Throughput): Aim[] {
	const ratio = (name: Contender, reference: keyof Ratios): number | undefined =>
		measured['call-32'][name]?.[reference];
	const aim = (name: Contender, reference: keyof Ratios, least: number): Aim => ({
		subject: `${titleOf(name)}, to ${titleOf(references[reference])}`,
		least,
		found: ratio(name, reference),
	});
	const objects = [ratio('ours-object', 'toObjectCall'), ratio('ours-object-bare', 'toObjectCall')];
	return [
		aim('memory-http', 'toMemoryBare', 0.9),
		aim('ours-http', 'toUpstream', 2),
		{
			subject: `Durable Objects alone, the faster of both, to ${titleOf('bare-worker-object')}`,
			least: 0.6,
			found: Math.max(...objects.map((each) => each ?? NaN)),
		},
		aim('ours-sealed', 'toMemoryBare', 0.9),
		aim('ours-sealed', 'toUpstream', 5),
	];
}

function titleOfWork(work: WorkName): string {
	const { title, connections } = works[work];
	return `${title}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
}

function formatRatio(ratio: number | undefined): string {
	return ratio === undefined ? '' : ratio.toFixed(2);
}
