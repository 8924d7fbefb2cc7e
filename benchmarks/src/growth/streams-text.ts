import { markdownTable } from '../markdown-table.ts';
import type { StreamCost, StreamCosts } from './measure-streams.ts';

/** A row for each number of streams. */
export function streamsText({ ours, upstream }: StreamCosts): string {
	const perStream = ({ toAllMs, streams }: StreamCost): string =>
		((toAllMs * 1000) / streams).toFixed(0);
	return markdownTable(
		[
			'streams of one object',
			'publish to 10, to that of 100',
			'upstream',
			'publish to all, µs for each',
			'upstream',
		],
		ours.map((cost, index) => {
			const other = upstream[index] ?? cost;
			return [
				cost.streams.toLocaleString('en'),
				toHundred(ours, cost).toFixed(2),
				toHundred(upstream, other).toFixed(2),
				perStream(cost),
				perStream(other),
			];
		}),
	);
}

/** A publish to ten beside one to ten of a hundred streams. */
export function toHundred(costs: readonly StreamCost[], { toTenMs }: StreamCost): number {
	const hundred = costs.find(({ streams }) => streams === 100) ?? costs[0];
	return toTenMs / (hundred?.toTenMs ?? NaN);
}
