import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Load } from '../src/client/load.ts';
import type { LoadJob, LoadStep } from '../src/client/load.ts';
import { initialize, statelessToolCall } from '../src/client/mcp.ts';
import { bench } from '../src/commands/bench.ts';
import { compareCpuTimes } from '../src/measurements/cpu.ts';
import type { CpuTimes } from '../src/measurements/cpu.ts';
import { inTurn, isSettled, missedAims } from '../src/measurements/measurement.ts';
import { stepsOf } from '../src/measurements/speed.ts';
import { ratiosOf, workNames, works } from '../src/measurements/throughput.ts';
import type { Samples, Throughput } from '../src/measurements/throughput.ts';
import { endpoint, startContenders } from '../src/runtime.ts';
import type { RunningContenders } from '../src/runtime.ts';

describe('the load', () => {
	let running: RunningContenders<'ours-http'>;
	let load: Load;
	let job: LoadJob;

	beforeAll(async () => {
		running = await startContenders(['ours-http']);
		load = new Load();
		const url = endpoint(running, 'ours-http');
		const steps = await stepsOf({ workload: 'call', connections: 1 }, 'ours-http', url);
		job = { url, steps, rounds: 10 };
	});
	afterAll(async () => {
		await load[Symbol.asyncDispose]();
		await running.stop();
	});

	test.each(workNames)('measures a speed if every response of %s is right', async (work) => {
		const steps = await stepsOf(works[work], 'ours-http', job.url);
		expect(await load.roundsPerSecond({ ...job, steps, rounds: steps.length })).toBeGreaterThan(0);
	});

	test('rejects a response with another body', async () => {
		const steps: LoadStep[][] = [[{ request: initialize(), expected: 'another body' }]];
		await expect(load.roundsPerSecond({ ...job, steps })).rejects.toThrow('"another body"');
	});

	test('rejects a response with an error status', async () => {
		const request = statelessToolCall('add', { a: 'no number' });
		const steps: LoadStep[][] = [[{ request: { ...request, headers: {} }, expected: '' }]];
		await expect(load.roundsPerSecond({ ...job, steps })).rejects.toThrow('got 4');
	});

	test('rejects a step of a session that has ended', async () => {
		const work = { workload: 'session', connections: 1 } as const;
		const [steps = []] = await stepsOf(work, 'ours-http', job.url);
		const [call] = steps.filter(({ expected }) => expected.includes('"3"'));
		const after: LoadStep[][] = [[...steps, ...(call ? [call] : [])]];
		await expect(load.roundsPerSecond({ ...job, steps: after, rounds: 1 })).rejects.toThrow(
			'got 404',
		);
	});
});

describe('a ratio', () => {
	test('is the median over the rounds of the ratios within each round, so a slow round counts little', () => {
		const speeds = {
			'bare-worker': [1000, 100, 1000],
			'bare-worker-object': [500, 50, 500],
			'ours-http': [300, 30, 900],
			upstream: [100, 10, 100],
			'memory-bare': [600, 60, 600],
			'floor-kv': [400, 40, 300],
		};
		// Safe because it contains every work.
		const samples = Object.fromEntries(workNames.map((work) => [work, speeds])) as Samples;
		expect(ratiosOf(samples).works['call-32']['ours-http']).toEqual({
			toBareWorker: 0.3,
			toObjectCall: 0.6,
			toUpstream: 3,
			toMemoryBare: 0.5,
			toFloor: 0.75,
		});
	});
});

describe('rounds', () => {
	test.each([
		['go on below the least number', [1, 1.01], [2, 2], false],
		['end at the least number if the figures agree', [1, 1.01, 0.99], [2, 2, 2], true],
		['go on if those of one row differ', [1, 1.3, 0.7], [2, 2, 2], false],
		['end at the greatest number', [1, 1.3, 0.7, 1.2, 0.8], [2, 2, 2, 2, 2], true],
	])('%s', (_title, one, other, ends) => {
		expect(isSettled([one, other], { least: 3, most: 5 })).toBe(ends);
	});

	test('start with different contenders, also of three', () => {
		const first = [0, 1, 2].map((round) => inTurn(['a', 'b', 'c'], round)[0]);
		expect(new Set(first).size).toBe(3);
	});
});

describe('aims', () => {
	test('are missed if a ratio is below or was not measured', () => {
		const aim = { subject: 'one to another', least: 0.9 };
		expect(missedAims([{ ...aim, found: 0.9 }])).toEqual([]);
		expect(missedAims([{ ...aim, found: 0.89 }])).toEqual([
			'one to another: the ratio must be at least 0.9; got 0.89.',
		]);
		expect(missedAims([{ subject: 'a delay', most: 5, found: 5.1 }])).toEqual([
			'a delay: the ratio must be at most 5; got 5.1.',
		]);
		expect(missedAims([{ ...aim, found: undefined }])).toHaveLength(1);
		expect(missedAims([{ ...aim, found: NaN }])).toHaveLength(1);
	});
});

describe('the gate of CPU times', () => {
	const run = (toFloor: number, error = 0.005): CpuTimes => ({
		rounds: 9,
		calls: { 'ours-http': { toFloor, error } },
	});

	test('reports a slowdown of 12 %, and names contender, baseline, figure and tolerance', () => {
		expect(compareCpuTimes(run(1.232), run(1.1))).toEqual([
			{
				isWorse: true,
				line:
					"ours-http: a call takes 1.232 of its floor's CPU time, baseline 1.100, tolerance 5.0 %: " +
					'slower by 12.0 %. Find out why, or accept it with --write.',
			},
		]);
	});

	test('accepts what its noise explains, a faster call and one without a baseline', () => {
		expect(compareCpuTimes(run(1.14), run(1.1))).toMatchObject([{ isWorse: false }]);
		expect(compareCpuTimes(run(1.232, 0.02), run(1.1))).toMatchObject([{ isWorse: false }]);
		expect(compareCpuTimes(run(0.9), run(1.1))).toMatchObject([{ isWorse: false }]);
		expect(compareCpuTimes(run(1.1), { rounds: 9, calls: {} })).toEqual([]);
	});
});

describe('the command', () => {
	test('prints only JSON with --json, and does not fail for a speed with --quick', async () => {
		const log = vi.spyOn(console, 'log').mockImplementation(() => {});
		vi.spyOn(console, 'error').mockImplementation(() => {});
		await bench(['--quick', '--json', '--only', 'throughput']);
		expect(process.exitCode).toBeUndefined();
		const printed = log.mock.calls.flat().join('\n');
		vi.restoreAllMocks();
		const { throughput }: { throughput: Throughput } = JSON.parse(printed);
		for (const work of workNames) {
			expect(Object.keys(throughput.works[work])).toEqual(works[work].contenders);
			for (const { toBareWorker } of Object.values(throughput.works[work])) {
				expect(toBareWorker).toBeGreaterThan(0);
			}
		}
	}, 600_000);
});
