import { markdownTable } from '../markdown-table.ts';
import { median } from '../median.ts';
import { versionOf } from '../results.ts';
import { contenderTitles } from '../start-contenders.ts';
import type { Contender } from '../start-contenders.ts';
import type { Samples } from './measure-throughput.ts';
import { measuredContenders, workNames, works } from './works.ts';
import type { WorkName } from './works.ts';

/** Whom a speed is given beside, 1 being as fast; no ratio where that one was not measured. */
const references = {
	toBareWorker: 'bare-worker',
	/** A bare Worker that calls a Durable Object once. */
	toObjectCall: 'bare-worker-object',
	/** tmcp with its managers in memory and nothing around its transport. */
	toMemoryBare: 'memory-bare',
	toUpstream: 'upstream',
} as const satisfies Record<string, Contender>;

/** How fast a contender is beside others. */
type Ratios = Partial<Record<keyof typeof references, number>>;

/** What is kept of a measurement: ratios, which say more on another machine than figures would. */
export interface Throughput {
	readonly versions: Record<string, string>;
	readonly works: Record<WorkName, Partial<Record<Contender, Ratios>>>;
}

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
/** What shows most, in the order of the columns of the short table. */
const telling = ['call-1', 'call-32', 'stateless-32', 'session-32'] as const satisfies WorkName[];

/** Medians over the rounds of the ratios within each round, so that load from elsewhere counts less. */
export function throughputOf(samples: Samples): Throughput {
	const ratiosOf = (work: WorkName, contender: Contender): Ratios => {
		const own = samples[work][contender] ?? [];
		const ratios: Ratios = {};
		for (const [name, reference] of Object.entries(references)) {
			const others = samples[work][reference];
			if (!others) continue;
			const ratio = median(own.map((speed, round) => speed / (others[round] ?? NaN)));
			// Sound: the keys are those of the literal above.
			ratios[name as keyof Ratios] = Number(ratio.toFixed(3));
		}
		return ratios;
	};
	const byWork = workNames.map((work) => [
		work,
		Object.fromEntries(works[work].contenders.map((name) => [name, ratiosOf(work, name)])),
	]);
	return {
		versions: Object.fromEntries(measuredPackages.map((name) => [name, versionOf(name)])),
		// Sound: one entry for each kind of work.
		works: Object.fromEntries(byWork) as Throughput['works'],
	};
}

/** A table for each reference, a row for each contender, and the versions. */
export function throughputText({ versions, works: measured }: Throughput): string {
	const table = (reference: keyof Ratios, title: string): string =>
		markdownTable(
			[title, ...workNames.map(titleOf)],
			measuredContenders.map((contender) => [
				contenderTitles[contender],
				...workNames.map((work) => inWords(measured[work][contender]?.[reference])),
			]),
		);
	const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
	return [
		'To a bare Worker:',
		table('toBareWorker', 'speed'),
		'To `@tmcp/session-manager-durable-objects`:',
		table('toUpstream', 'speed'),
		`Measured with ${list.join(', ')}.`,
	].join('\n\n');
}

/** The work that shows most, of ours those through `http` alone. */
export function compactThroughputTable({ works: measured }: Throughput): string {
	const contenders = measuredContenders.filter((name) => !/^ours-.*bare$/.test(name));
	return markdownTable(
		[
			'to a bare Worker',
			...telling.map(titleOf),
			'to upstream: call, 32 connections',
			'session of ten calls',
		],
		contenders.map((name) => [
			contenderTitles[name],
			...telling.map((work) => inWords(measured[work][name]?.toBareWorker)),
			inWords(measured['call-32'][name]?.toUpstream),
			inWords(measured['session-32'][name]?.toUpstream),
		]),
	);
}

function titleOf(work: WorkName): string {
	const { title, connections } = works[work];
	return `${title}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
}

function inWords(ratio: number | undefined): string {
	return ratio === undefined ? '' : ratio.toFixed(2);
}
