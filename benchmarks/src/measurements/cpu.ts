import { startRedis } from '@tmcp-sessions/testkit/redis';
import { Load } from '../client/load.ts';
import type { LoadJob } from '../client/load.ts';
import { floorOf, pairs, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { endpoint } from '../runtime.ts';
import type { ContenderOptions, RunningContenders } from '../runtime.ts';
import { startMeasured } from '../workerd-process.ts';
import { entriesOf, mapValues, median, medianError, rounded, takeTurns } from './measurement.ts';
import type { Comparison, Effort, Measurement } from './measurement.ts';
import { stepsOf } from './speed.ts';

/** A turn alternates between a contender and its floor, so that load from elsewhere affects both. */
const efforts = {
	full: {
		connections: 32,
		batches: 4,
		repeats: 5,
		rounds: { least: 7, most: 15, warmUps: 1, settledError: 0.006 },
	},
	quick: { connections: 2, batches: 1, repeats: 1, rounds: { least: 2, most: 2 } },
} satisfies Record<Effort, object>;

/** A slowdown below this share is not reported. */
const LEAST_TOLERANCE = 0.05;
/** Times the estimated errors of both medians, which are about half of a standard deviation. */
const ERRORS = 7;

/** Our pairs, and the handler around tmcp's managers. */
export const gated = [...pairs, 'memory-http'] as const;
type Gated = (typeof gated)[number];

/** The CPU time of a call to the one of its floor, and the error of this median relative to it. */
interface CpuTime {
	readonly toFloor: number;
	readonly error: number;
}

/** CPU times of one run. A contender that is new has no baseline. */
export interface CpuTimes {
	readonly rounds: number;
	readonly calls: Partial<Record<Gated, CpuTime>>;
}

/** Measures the CPU time of workerd for a call, which compares runs better than speeds do. Linux only. */
export const cpu: Measurement<CpuTimes> = {
	async measure(effort, onProgress) {
		const { batches, rounds, ...load } = efforts[effort];
		const names = gated.flatMap((name) => [name, floorOf(name) ?? name]);
		await using run = await startCpuRun([...new Set<Contender>(names)], load);
		const ratios = await takeTurns(
			gated,
			rounds,
			async (name) => {
				let [own, floor] = [0, 0];
				for (let batch = 0; batch < batches; batch += 1) {
					floor += await run.cpuMs(floorOf(name) ?? name);
					own += await run.cpuMs(name);
				}
				return own / floor;
			},
			onProgress,
			Object.values,
		);
		return {
			rounds: ratios['memory-http'].length,
			calls: mapValues(ratios, (own) => ({
				toFloor: rounded(median(own), 3),
				error: rounded(medianError(own), 4),
			})),
		};
	},

	format: ({ rounds, calls }) =>
		`${table(
			'CPU time of a call | to its floor | a slowdown that is reported, at least',
			entriesOf(calls).map(([name, { toFloor, error }]) => [
				titleOf(name),
				toFloor.toFixed(2),
				`${percent(toleranceOf(error, error))} %`,
			]),
		)}\n\nMedians of ${rounds} rounds.`,

	compare: compareCpuTimes,
};

/** Contenders side by side in a workerd whose CPU time is measured. */
interface CpuRun extends AsyncDisposable {
	readonly running: RunningContenders<Contender>;
	/** Sends the calls of a contender and returns the CPU time of workerd meanwhile. */
	cpuMs(name: Contender): Promise<number>;
}

/** Starts contenders, opens the session of each connection, and prepares the load. */
export async function startCpuRun(
	names: readonly Contender[],
	{ connections, repeats }: { readonly connections: number; readonly repeats: number },
	options: ContenderOptions = {},
): Promise<CpuRun> {
	await using stack = new AsyncDisposableStack();
	const redis = stack.adopt(await startRedis(), (each) => each.stop());
	const load = stack.use(new Load());
	const vars = { UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token };
	// Objects stay in memory, since waking one costs more than a call.
	const running = stack.use(await startMeasured(names, { ...options, vars, keepObjects: true }));
	const jobs = new Map<Contender, LoadJob>();
	for (const name of names) {
		const url = endpoint(running, name);
		const steps = await stepsOf({ workload: 'call', connections }, name, url);
		jobs.set(name, { url, steps, rounds: connections * repeats });
	}
	const started = stack.move();
	return {
		running,
		async cpuMs(name) {
			const before = running.process.cpuMs();
			const job = jobs.get(name);
			if (job) await load.roundsPerSecond(job);
			return running.process.cpuMs() - before;
		},
		[Symbol.asyncDispose]: () => started.disposeAsync(),
	};
}

/** Compares the CPU times of a run with those of the stored one, contender by contender. */
export function compareCpuTimes(found: CpuTimes, baseline: CpuTimes): Comparison[] {
	return entriesOf(found.calls).flatMap(([name, { toFloor, error }]) => {
		const stored = baseline.calls[name];
		if (!stored) return [];
		const tolerance = toleranceOf(error, stored.error);
		const isWorse = toFloor > stored.toFloor * (1 + tolerance);
		return {
			isWorse,
			line:
				`${name}: a call takes ${toFloor.toFixed(3)} of its floor's CPU time, ` +
				`baseline ${stored.toFloor.toFixed(3)}, tolerance ${percent(tolerance)} %` +
				(isWorse
					? `: slower by ${percent(toFloor / stored.toFloor - 1)} %. Find out why, or accept it with --write.`
					: ''),
		};
	});
}

/** Returns the smallest slowdown that noise does not explain. */
function toleranceOf(...errors: readonly number[]): number {
	return Math.max(LEAST_TOLERANCE, ERRORS * Math.hypot(...errors));
}

function percent(share: number): string {
	return (share * 100).toFixed(1);
}
