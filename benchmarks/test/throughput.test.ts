import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missed } from '../src/aims.ts';
import { initialize, statelessToolCall } from '../src/mcp-requests.ts';
import { endpoint, startContenders } from '../src/start-contenders.ts';
import type { RunningContenders } from '../src/start-contenders.ts';
import { stepsOf } from '../src/throughput/jobs.ts';
import { Load } from '../src/throughput/load.ts';
import type { LoadJob, LoadStep } from '../src/throughput/load.ts';
import type { Samples } from '../src/throughput/measure-throughput.ts';
import { inTurn, isSettled } from '../src/throughput/rounds.ts';
import { throughputOf } from '../src/throughput/throughput-ratios.ts';
import type { Throughput } from '../src/throughput/throughput-ratios.ts';
import { workNames, works } from '../src/throughput/works.ts';

describe('the load', () => {
	let running: RunningContenders<'ours-http'>;
	let load: Load;
	let job: LoadJob;

	beforeAll(async () => {
		running = await startContenders(['ours-http']);
		load = new Load();
		const url = endpoint(running, 'ours-http');
		job = { url, steps: await stepsOf('call-1', 'ours-http', url), rounds: 10 };
	});
	afterAll(async () => {
		await load.stop();
		await running.stop();
	});

	test.each(workNames)('gives a speed where every answer of %s is right', async (work) => {
		const steps = await stepsOf(work, 'ours-http', job.url);
		expect(await load.roundsPerSecond({ ...job, steps, rounds: steps.length })).toBeGreaterThan(0);
	});

	test('refuses an answer with another body', async () => {
		const steps: LoadStep[][] = [[{ request: initialize(), expected: 'another body' }]];
		await expect(load.roundsPerSecond({ ...job, steps })).rejects.toThrow('"another body"');
	});

	test('refuses an answer with another status than success', async () => {
		const request = statelessToolCall('add', { a: 'no number' });
		const steps: LoadStep[][] = [[{ request: { ...request, headers: {} }, expected: '' }]];
		await expect(load.roundsPerSecond({ ...job, steps })).rejects.toThrow('answered 4');
	});

	test('refuses a step of a session that was ended', async () => {
		const [steps = []] = await stepsOf('session-32', 'ours-http', job.url);
		const [call] = steps.filter(({ expected }) => expected.includes('"3"'));
		const after: LoadStep[][] = [[...steps, ...(call ? [call] : [])]];
		await expect(load.roundsPerSecond({ ...job, steps: after, rounds: 1 })).rejects.toThrow(
			'answered 404',
		);
	});
});

describe('the ratio', () => {
	test('is the median over the rounds of the ratio within each round, so that a slow round counts little', () => {
		const speeds = {
			'bare-worker': [1000, 100, 1000],
			'bare-worker-object': [500, 50, 500],
			'ours-http': [300, 30, 900],
			upstream: [100, 10, 100],
			'memory-bare': [600, 60, 600],
		};
		// Sound: every kind of work is in it.
		const samples = Object.fromEntries(workNames.map((work) => [work, speeds])) as Samples;
		expect(throughputOf(samples).works['call-32']['ours-http']).toEqual({
			toBareWorker: 0.3,
			toObjectCall: 0.6,
			toUpstream: 3,
			toMemoryBare: 0.5,
		});
	});
});

describe('rounds', () => {
	const rounds = { least: 3, most: 5 };

	test('end at the least where the figures lie close', () => {
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

	test('go on to the most where those of one row lie apart', () => {
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

	test('begin with others, also of three', () => {
		const first = [0, 1, 2].map((round) => inTurn(['a', 'b', 'c'], round)[0]);
		expect(new Set(first).size).toBe(3);
	});
});

describe('aims', () => {
	test('are missed where a ratio is below, or was not measured', () => {
		const aim = { what: 'one to another', least: 0.9 };
		expect(missed([{ ...aim, found: 0.9 }])).toEqual([]);
		expect(missed([{ ...aim, found: 0.89 }])).toEqual([
			'one to another: the ratio is 0.89, expected at least 0.9.',
		]);
		expect(missed([{ ...aim, found: undefined }])).toHaveLength(1);
		expect(missed([{ ...aim, found: NaN }])).toHaveLength(1);
	});
});

describe('the command', () => {
	test('prints nothing but JSON to a machine, and a quick run fails for no speed', async () => {
		const main = join(import.meta.dirname, '../src/bench/main.ts');
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
