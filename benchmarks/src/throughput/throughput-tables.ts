import { aimsTable } from '../aims.ts';
import { contendersIn, titleOf } from '../contenders.ts';
import { markdownTable } from '../markdown-table.ts';
import { throughputAims } from './throughput-aims.ts';
import type { Ratios, Throughput } from './throughput-ratios.ts';
import { measuredContenders, workNames, works } from './works.ts';
import type { WorkName } from './works.ts';

/** What shows most, in the order of the columns of the short table. */
const telling = ['call-1', 'call-32', 'stateless-32', 'session-32'] as const satisfies WorkName[];

/** A table for each reference, a row for each contender, what is reached, and the versions. */
export function throughputText(throughput: Throughput): string {
	const { versions, rounds, works: measured } = throughput;
	const table = (reference: keyof Ratios, title: string): string =>
		markdownTable(
			[title, ...workNames.map(titleOfWork)],
			[
				...measuredContenders.map((contender) => [
					titleOf(contender),
					...workNames.map((work) => inWords(measured[work][contender]?.[reference])),
				]),
				['rounds', ...workNames.map((work) => String(rounds[work]))],
			],
		);
	const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
	return [
		'To a bare Worker:',
		table('toBareWorker', 'speed'),
		'To `@tmcp/session-manager-durable-objects`:',
		table('toUpstream', 'speed'),
		aimsTable('calls, 32 connections', throughputAims(throughput)),
		`Measured with ${list.join(', ')}.`,
	].join('\n\n');
}

/** The work that shows most, of ours those through `http` alone. */
export function compactThroughputTable({ works: measured }: Throughput): string {
	return markdownTable(
		[
			'to a bare Worker',
			...telling.map(titleOfWork),
			'to upstream: call, 32 connections',
			'session of ten calls',
		],
		contendersIn('short table').map((name) => [
			titleOf(name),
			...telling.map((work) => inWords(measured[work][name]?.toBareWorker)),
			inWords(measured['call-32'][name]?.toUpstream),
			inWords(measured['session-32'][name]?.toUpstream),
		]),
	);
}

function titleOfWork(work: WorkName): string {
	const { title, connections } = works[work];
	return `${title}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
}

function inWords(ratio: number | undefined): string {
	return ratio === undefined ? '' : ratio.toFixed(2);
}
