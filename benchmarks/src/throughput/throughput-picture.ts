import { barCharts } from '../picture/bar-chart.ts';
import type { Bar } from '../picture/bar-chart.ts';
import { contenderTitles } from '../start-contenders.ts';
import type { Contender } from '../start-contenders.ts';
import type { Throughput } from './throughput-ratios.ts';
import type { WorkName } from './works.ts';

/** What the picture shows, the limits first. */
const shown = [
	'bare-worker-object',
	'bare-worker-kv-read',
	'memory-bare',
	'memory-http',
	'ours-object',
	'ours-http',
	'ours-mixed',
	'ours-cached',
	'ours-upstash',
	'ours-sealed',
	'upstream',
	'mcp-agent',
	'agents-handler',
	'sdk-handler',
] as const satisfies Contender[];

/** Calls and whole sessions beside upstream, as an SVG. */
export function throughputPicture({ works }: Throughput): string {
	const bars = (work: WorkName): Bar[] =>
		shown.flatMap((name) => {
			const value = works[work][name]?.toUpstream;
			if (value === undefined) return [];
			return [{ label: contenderTitles[name].replaceAll('`', ''), value, kind: kindOf(name) }];
		});
	const unit = 'how many times as fast as @tmcp/session-manager-durable-objects, in one run';
	return barCharts([
		{ title: 'tools/call, 32 connections', unit, bars: bars('call-32') },
		{ title: 'Sessions from initialize to DELETE, ten calls each', unit, bars: bars('session-32') },
	]);
}

function kindOf(name: Contender): Bar['kind'] {
	if (name.startsWith('ours-')) return 'ours';
	return name.startsWith('bare-') || name.startsWith('memory-') ? 'limit' : 'peer';
}
