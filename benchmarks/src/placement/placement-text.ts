import { markdownTable } from '../markdown-table.ts';
import { latencySources, places } from './published-latencies.ts';
import { ACCESS_MS, JITTER, WORK_MS } from './simulate-placement.ts';
import type { Latency, PlacementResult } from './simulate-placement.ts';

/** The tables of the simulation with what they are made of. */
export function placementText(result: PlacementResult): string {
	const { globalRegion, seed, samples, toolCall, broadcast } = result;
	const where = (name: string): string => {
		const place = places[name];
		return place ? `${place.continent}: ${name}` : name;
	};
	const calls = markdownTable(
		['tool call from', 'session in the region', 'placed', `one object in \`${globalRegion}\``],
		Object.entries(toolCall).map(([name, { placed, global }]) => [
			where(name),
			`\`${places[name]?.nearest ?? ''}\``,
			inWords(placed),
			inWords(global),
		]),
	);
	const broadcasts = markdownTable(
		[
			'a broadcast from anywhere reaches',
			'shards known',
			'shards asked for first',
			`one object in \`${globalRegion}\``,
		],
		Object.entries(broadcast).map(([name, { placed, placedFirst, global }]) => [
			where(name),
			inWords(placed),
			inWords(placedFirst),
			inWords(global),
		]),
	);
	const { between, within } = latencySources;
	return [
		'Median and 99th percentile in milliseconds:',
		calls,
		broadcasts,
		[
			`${samples.toLocaleString('en')} calls and as many broadcasts from each place, seed ${seed}.`,
			`Round trips between regions: [${between.title}](${between.url}), ${between.says}.`,
			`Within a region: [${within.title}](${within.url}), ${within.says}.`,
			`Both are taken for the middle of a distribution whose logarithm deviates by ${JITTER}.`,
			`Assumed besides: ${ACCESS_MS} ms between a client and the Worker that serves it, and ${WORK_MS} ms of work.`,
			'Objects with a hint for South America or Africa are made in `enam` and `weur`, as that page shows.',
		].join(' '),
	].join('\n\n');
}

function inWords({ medianMs, p99Ms }: Latency): string {
	return `${medianMs}, ${p99Ms}`;
}
