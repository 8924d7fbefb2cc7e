import { startRedis } from '@tmcp-sessions/testkit/redis';
import { Load } from '../client/load.ts';
import { contendersIn, floorOf, pairs, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { versionOf } from '../reports/results.ts';
import { startContenders } from '../runtime.ts';
import { aimsTable, byName, entriesOf, median, ratios, rounded } from './measurement.ts';
import type { Aim, Effort, Measurement } from './measurement.ts';
import { measureSpeeds } from './speed.ts';
import type { Work } from './speed.ts';

interface TitledWork extends Work {
	/** Its column in tables. */
	readonly title: string;
	readonly contenders: readonly Contender[];
}

const call = { title: 'call', workload: 'call', contenders: contendersIn('call') } as const;
const stateless = {
	title: 'call, 2026-07-28',
	workload: 'stateless call',
	contenders: contendersIn('stateless-call'),
} as const;
const whole = { connections: 32, contenders: contendersIn('session') } as const;

/** The source of the floors, from the document. */
const FLOORS = '../benchmarks/src/workers/floors.ts';

/** Everything that is measured, by name. */
export const works = {
	'call-1': { ...call, connections: 1 },
	'call-32': { ...call, connections: 32 },
	'stateless-1': { ...stateless, connections: 1 },
	'stateless-32': { ...stateless, connections: 32 },
	'initialize-32': { ...whole, title: 'initialize', workload: 'initialize' },
	'session-32': { ...whole, title: 'session of ten calls', workload: 'session' },
} as const satisfies Record<string, TitledWork>;

/** The name of a work. */
export type WorkName = keyof typeof works;

/** All works, in the order in which they are measured. */
// Safe because the keys are those of the literal above.
export const workNames = Object.keys(works) as WorkName[];

const once = { least: 1, most: 1 };
const efforts = {
	full: {
		rounds: { call: { least: 5, most: 9 }, session: { least: 3, most: 5 } },
		length: { seconds: 0.5, warmUps: 10 },
		maxConnections: 32,
	},
	quick: { rounds: { call: once, session: once }, length: { repeats: 1 }, maxConnections: 2 },
} satisfies Record<Effort, object>;

/** Every contender that takes part, in the order of the tables. All of them make calls. */
const measuredContenders: readonly Contender[] = contendersIn('call');

/** Contenders to which speeds are relative. There is no ratio if the reference was not measured. */
const references = {
	toBareWorker: 'bare-worker',
	/** A bare Worker with one RPC to a Durable Object. */
	toObjectCall: 'bare-worker-object',
	/** Unmodified tmcp with its managers in memory. */
	toMemoryBare: 'memory-bare',
	toUpstream: 'upstream',
} as const;

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

/** Speeds of one contender relative to others, and to its floor: 1 is as fast. */
type Ratios = Partial<Record<keyof typeof references | 'toFloor', number>>;

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
		await using stack = new AsyncDisposableStack();
		const redis = stack.adopt(await startRedis(), (each) => each.stop());
		const load = stack.use(new Load());
		const vars = { UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token };
		await using running = await startContenders(measuredContenders, { vars });
		const samples: Partial<Samples> = {};
		const { rounds, length, maxConnections } = efforts[effort];
		for (const name of workNames) {
			const { contenders, ...work }: TitledWork = works[name];
			samples[name] = await measureSpeeds(
				contenders,
				running,
				load,
				{
					...work,
					connections: Math.min(work.connections, maxConnections),
					rounds: work.workload.endsWith('call') ? rounds.call : rounds.session,
					length,
				},
				(line) => onProgress(`${name}: ${line}`),
				(all) => contenders.map((each) => ratios(all[each], all['bare-worker'])),
			);
		}
		// Safe because there is one entry for each work.
		return ratiosOf(samples as Samples);
	},

	format(result) {
		const { versions, rounds, works: measured } = result;
		/** A row for each contender with a ratio. */
		const ratioTable = (reference: keyof Ratios): string =>
			table(['speed', ...workNames.map(titleOfWork)].join(' | '), [
				...measuredContenders
					.filter((contender) => workNames.some((work) => measured[work][contender]?.[reference]))
					.map((contender) => [
						titleOf(contender),
						...workNames.map((work) => formatRatio(measured[work][contender]?.[reference])),
					]),
				['rounds', ...workNames.map((work) => String(rounds[work]))],
			]);
		const hasFloors = pairs.some((name) => measured['call-32'][name]?.toFloor);
		const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
		return [
			'To a bare Worker:',
			ratioTable('toBareWorker'),
			'To `@tmcp/session-manager-durable-objects`:',
			ratioTable('toUpstream'),
			...(hasFloors ? [`To its [floor](${FLOORS}):`, ratioTable('toFloor')] : []),
			aimsTable('32 connections', aimsOf(result)),
			`Measured with ${list.join(', ')}.`,
		].join('\n\n');
	},

	aims: aimsOf,
};

/** Takes the medians over the rounds of the ratios within each round, so other load counts less. */
export function ratiosOf(samples: Samples): Throughput {
	const ratiosIn = (work: WorkName, contender: Contender): Ratios => {
		const floor = floorOf(contender);
		return Object.fromEntries(
			entriesOf({ ...references, ...(floor && { toFloor: floor }) })
				.filter(([, reference]) => samples[work][reference])
				.map(([name, reference]) => [
					name,
					rounded(median(ratios(samples[work][contender] ?? [], samples[work][reference])), 3),
				]),
		);
	};
	return {
		versions: Object.fromEntries(measuredPackages.map((name) => [name, versionOf(name)])),
		rounds: byName(workNames, (work) => samples[work]['bare-worker']?.length ?? 0),
		works: byName(workNames, (work) =>
			byName(works[work].contenders, (contender) => ratiosIn(work, contender)),
		),
	};
}

/** The aims at 32 connections. */
function aimsOf({ works: measured }: Throughput): Aim[] {
	const ratio = (name: Contender, reference: keyof Ratios, work: WorkName): number | undefined =>
		measured[work][name]?.[reference];
	const aim = (
		name: Contender,
		reference: keyof Ratios,
		least: number,
		work: WorkName = 'call-32',
	): Aim => {
		const other = reference === 'toFloor' ? 'its floor' : titleOf(references[reference]);
		return {
			subject: `${works[work].title}: ${titleOf(name)}, to ${other}`,
			least,
			found: ratio(name, reference, work),
		};
	};
	/** As fast as upstream or, if its storage does not allow that, nearly as fast as its floor. */
	const besideUpstream = (name: Contender, least: number, work: WorkName): Aim => {
		const toUpstream = aim(name, 'toUpstream', least, work);
		return (toUpstream.found ?? 0) >= least ? toUpstream : aim(name, 'toFloor', 0.9, work);
	};
	const objects = (['ours-object', 'ours-object-bare'] as const).map((name) =>
		ratio(name, 'toObjectCall', 'call-32'),
	);
	return [
		aim('memory-http', 'toMemoryBare', 0.9),
		aim('ours-http', 'toUpstream', 2),
		{
			subject: `call: Durable Objects alone, the faster of both, to ${titleOf('bare-worker-object')}`,
			least: 0.6,
			found: Math.max(...objects.map((each) => each ?? NaN)),
		},
		aim('ours-sealed', 'toMemoryBare', 0.9),
		aim('ours-sealed', 'toUpstream', 5),
		...pairs.map((name) => aim(name, 'toFloor', 0.95)),
		...pairs.map((name) => besideUpstream(name, 1, 'initialize-32')),
		...pairs.map((name) =>
			besideUpstream(name, ['ours-http', 'ours-object'].includes(name) ? 2 : 1, 'session-32'),
		),
	];
}

function titleOfWork(name: WorkName): string {
	const { title, connections } = works[name];
	return `${title}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
}

function formatRatio(ratio: number | undefined): string {
	return ratio?.toFixed(2) ?? '';
}
