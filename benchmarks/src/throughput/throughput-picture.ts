import { contenders, contendersIn, titleOf } from '../contenders.ts';
import { barCharts } from '../picture/bar-chart.ts';
import type { Bar } from '../picture/bar-chart.ts';
import type { Throughput } from './throughput-ratios.ts';
import type { WorkName } from './works.ts';

/** Calls and whole sessions beside upstream, as an SVG. */
export function throughputPicture({ works }: Throughput): string {
	const bars = (work: WorkName): Bar[] =>
		contendersIn('picture').flatMap((name) => {
			const value = works[work][name]?.toUpstream;
			if (value === undefined) return [];
			const label = titleOf(name).replaceAll('`', '');
			return [{ label, value, kind: contenders[name].group }];
		});
	const unit = 'how many times as fast as @tmcp/session-manager-durable-objects, in one run';
	return barCharts([
		{ title: 'tools/call, 32 connections', unit, bars: bars('call-32') },
		{ title: 'Sessions from initialize to DELETE, ten calls each', unit, bars: bars('session-32') },
	]);
}
