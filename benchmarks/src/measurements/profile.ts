import { floorOf, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { gated, startCpuRun } from './cpu.ts';
import { layerNames, layers, LayerProfiler } from './layers.ts';
import type { LayerTimes } from './layers.ts';
import {
	byName,
	entriesOf,
	mapValues,
	measurement,
	median,
	ratios,
	rounded,
	takeTurns,
} from './measurement.ts';
import type { Effort } from './measurement.ts';

/** Two seconds a turn. */
const efforts = {
	full: { connections: 32, repeats: 60, rounds: { least: 3, most: 3, warmUps: 1 } },
	quick: { connections: 2, repeats: 100, rounds: { least: 1, most: 1 } },
} satisfies Record<Effort, object>;

const names: Contender[] = [
	...new Set(gated.flatMap((name) => [name, floorOf(name) ?? name])),
	'memory-bare',
];

/** Profiles calls: where their CPU time goes, relative to the one of a call of the floor. Linux only. */
export const profile = measurement({
	async measure(effort, onProgress) {
		const { rounds, ...load } = efforts[effort];
		await using run = await startCpuRun(names, load, { sourcemap: 'inline', inspectorPort: 0 });
		using profiler = new LayerProfiler(run.running);
		const turn = async (name: Contender): Promise<LayerTimes & { all: number }> => {
			let cpuMs = 0;
			const times = await profiler.profile(name, async () => (cpuMs = await run.cpuMs(name)));
			const sampled = layerNames.reduce((sum, layer) => sum + times[layer], 0);
			// The rest of the process has no isolate: HTTP, sockets and SQLite's files.
			const workerd = times.workerd + Math.max(0, cpuMs - sampled);
			return { ...times, workerd, all: Math.max(cpuMs, sampled) };
		};
		const samples = await takeTurns(names, rounds, turn, onProgress);
		return mapValues(samples, (own, name) => {
			const floor = samples[floorOf(name) ?? name].map(({ all }) => all);
			return byName(layerNames, (layer) =>
				rounded(
					median(
						ratios(
							own.map((each) => each[layer]),
							floor,
						),
					),
					3,
				),
			);
		});
	},

	format: (shares) =>
		table(
			['% of the CPU time of a call of the floor', ...Object.values(layers), 'in all'].join(' | '),
			entriesOf(shares).map(([name, times]) => [
				titleOf(name),
				...layerNames.map((layer) => percent(times[layer])),
				percent(layerNames.reduce((sum, layer) => sum + times[layer], 0)),
			]),
		),
});

function percent(share: number): string {
	return (share * 100).toFixed(0);
}
