import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Load } from '../src/client/load.ts';
import type { LoadJob, LoadStep } from '../src/client/load.ts';
import { initialize, statelessToolCall } from '../src/client/mcp-requests.ts';
import { workloadSteps } from '../src/client/workload-steps.ts';
import { inTurn, isSettled, missedAims } from '../src/measurements/statistics.ts';
import { ratiosOf, workNames, works } from '../src/measurements/throughput.ts';
import type { Samples, Throughput } from '../src/measurements/throughput.ts';
import { endpoint, startContenders } from '../src/runtime/start-contenders.ts';
import type { RunningContenders } from '../src/runtime/start-contenders.ts';

describe('the load', () => {
	let running: RunningContenders<'ours-http'>;
	let load: Load;
	let job: LoadJob;

	beforeAll(async () => {
		running = await startContenders(['ours-http']);
		load = new Load();
		const url = endpoint(running, 'ours-http');
		job = { url, steps: await workloadSteps('call', 1, 'ours-http', url), rounds: 10 };
	});
	afterAll(async () => {
		await load.stop();
		await running.stop();
	});

	test.each(workNames)('measures a speed if every response of %s is right', async (work) => {
		const { workload, connections } = works[work];
		const steps = await workloadSteps(workload, connections, 'ours-http', job.url);
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
		const [steps = []] = await workloadSteps('session', 1, 'ours-http', job.url);
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
		};
		// Safe because it contains every work.
		const samples = Object.fromEntries(workNames.map((work) => [work, speeds])) as Samples;
		expect(ratiosOf(samples).works['call-32']['ours-http']).toEqual({
			toBareWorker: 0.3,
			toObjectCall: 0.6,
			toUpstream: 3,
			toMemoryBare: 0.5,
		});
	});
});

describe('rounds', () => {
	const rounds = { least: 3, most: 5 };

	test('end at the least number if the figures agree', () => {
		expect(
			isSettled(
				[
					[1, 1.01],
					[2, 2],
				],
				rounds,
			),
		).toBe(false);
		expect(
			isSettled(
				[
					[1, 1.01, 0.99],
					[2, 2, 2],
				],
				rounds,
			),
		).toBe(true);
	});

	test('go on to the greatest number if those of one row differ', () => {
		expect(
			isSettled(
				[
					[1, 1.3, 0.7],
					[2, 2, 2],
				],
				rounds,
			),
		).toBe(false);
		expect(isSettled([[1, 1.3, 0.7, 1.2, 0.8]], rounds)).toBe(true);
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
		expect(missedAims([{ ...aim, found: undefined }])).toHaveLength(1);
		expect(missedAims([{ ...aim, found: NaN }])).toHaveLength(1);
	});
});

describe('the command', () => {
	test('prints only JSON with --json, and does not fail for a speed with --quick', async () => {
		const main = join(import.meta.dirname, '../src/commands/bench.ts');
		const args = [main, '--quick', '--json', '--only', 'throughput'];
		const { stdout } = await promisify(execFile)(process.execPath, args);
		const { throughput }: { throughput: Throughput } = JSON.parse(stdout);
		for (const work of workNames) {
			expect(Object.keys(throughput.works[work])).toEqual(works[work].contenders);
			for (const { toBareWorker } of Object.values(throughput.works[work])) {
				expect(toBareWorker).toBeGreaterThan(0);
			}
		}
	}, 600_000);
});
