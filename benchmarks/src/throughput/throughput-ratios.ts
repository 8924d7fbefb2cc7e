import { markdownTable } from '../markdown-table.ts';
import { versionOf } from '../results.ts';
import { contenderTitles, measuredContenders } from '../start-contenders.ts';
import type { MeasuredContender } from '../start-contenders.ts';
import { connectionCounts } from './measure-throughput.ts';
import type { Connections, Samples } from './measure-throughput.ts';

/** How fast a contender is beside others, 1 being as fast. */
interface Ratios {
	readonly toBareWorker: number;
	/** To a bare Worker that calls a Durable Object once. */
	readonly toObjectCall: number;
	/** To one whose object reads a row. */
	readonly toObjectRow: number;
	readonly toUpstream: number;
	/** To tmcp with its managers in memory and nothing around its transport. */
	readonly toMemoryBare: number;
}

/** What is kept of a measurement: ratios, which say more on another machine than figures would. */
export interface Throughput {
	readonly versions: Record<string, string>;
	readonly connections: Record<Connections, Record<MeasuredContender, Ratios>>;
}

const measuredPackages = [
	'tmcp',
	'@tmcp/transport-http',
	'@tmcp/session-manager-durable-objects',
	'miniflare',
	'workerd',
];

/** Medians over the rounds of the ratios within each round, so that load from elsewhere counts less. */
export function throughputOf(samples: Samples): Throughput {
	const ratios = (connections: Connections, name: MeasuredContender): Ratios => {
		const to = (other: MeasuredContender): number => {
			const others = samples[connections][other];
			const each = samples[connections][name].map((speed, round) => speed / (others[round] ?? NaN));
			return Number(median(each).toFixed(3));
		};
		return {
			toBareWorker: to('bare-worker'),
			toObjectCall: to('bare-worker-object'),
			toObjectRow: to('bare-worker-object-row'),
			toUpstream: to('upstream'),
			toMemoryBare: to('memory-bare'),
		};
	};
	const connections = connectionCounts.map((count) => [
		count,
		Object.fromEntries(measuredContenders.map((name) => [name, ratios(count, name)])),
	]);
	return {
		versions: Object.fromEntries(measuredPackages.map((name) => [name, versionOf(name)])),
		// Sound: one entry for each number of connections, with one for each contender.
		connections: Object.fromEntries(connections) as Throughput['connections'],
	};
}

/** One row for each contender, and the versions. */
export function throughputText({ versions, connections }: Throughput): string {
	const heads = connectionCounts.flatMap((count) => {
		const noun = count === 1 ? 'connection' : 'connections';
		return [`${count} ${noun}: to a bare Worker`, 'to one object call', 'to upstream'];
	});
	const table = markdownTable(
		['`tools/call`', ...heads],
		measuredContenders.map((name) => [
			contenderTitles[name],
			...connectionCounts.flatMap((count) => {
				const { toBareWorker, toObjectCall, toUpstream } = connections[count][name];
				return [toBareWorker, toObjectCall, toUpstream].map((ratio) => ratio.toFixed(2));
			}),
		]),
	);
	const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
	return `${table}\n\nMeasured with ${list.join(', ')}.`;
}

/** At 32 connections, of ours those through `http` alone. */
export function compactThroughputTable({ connections }: Throughput): string {
	const names = measuredContenders.filter((name) => !/^ours-.*bare$/.test(name));
	return markdownTable(
		['`tools/call`, 32 connections', 'to a bare Worker', 'to one object call', 'to upstream'],
		names.map((name) => {
			const { toBareWorker, toObjectCall, toUpstream } = connections[32][name];
			const ratios = [toBareWorker, toObjectCall, toUpstream];
			return [contenderTitles[name], ...ratios.map((ratio) => ratio.toFixed(2))];
		}),
	);
}

function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = (sorted.length - 1) / 2;
	return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}
