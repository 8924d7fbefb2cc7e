import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { McpClient } from '../src/mcp-client.ts';
import { sessionToolCall, sumAnswer } from '../src/mcp-requests.ts';
import { throughputSections } from '../src/published-sections.ts';
import { readResult, readSection } from '../src/results.ts';
import { measuredContenders, endpoint, startContenders } from '../src/start-contenders.ts';
import type { RunningContenders } from '../src/start-contenders.ts';
import { Load } from '../src/throughput/load.ts';
import type { LoadJob } from '../src/throughput/load.ts';
import { connectionCounts } from '../src/throughput/measure-throughput.ts';
import type { Samples } from '../src/throughput/measure-throughput.ts';
import { throughputOf } from '../src/throughput/throughput-ratios.ts';
import type { Throughput } from '../src/throughput/throughput-ratios.ts';

describe('the load', () => {
	let running: RunningContenders<'ours-http'>;
	let load: Load;
	let job: LoadJob;

	beforeAll(async () => {
		running = await startContenders(['ours-http']);
		load = new Load();
		const url = endpoint(running, 'ours-http');
		const session = await new McpClient(url).open();
		const requests = [sessionToolCall(session)];
		job = { url, requests, amount: 10, expectedBody: sumAnswer };
	});
	afterAll(async () => {
		await load.stop();
		await running.stop();
	});

	test('gives the requests a second where every answer is right', async () => {
		expect(await load.requestsPerSecond(job)).toBeGreaterThan(0);
	});

	test('refuses an answer with another body', async () => {
		const other = { ...job, expectedBody: 'another body' };
		await expect(load.requestsPerSecond(other)).rejects.toThrow('"another body"');
	});

	test('refuses an answer with another status than success', async () => {
		const url = new URL('/nowhere', job.url).href;
		await expect(load.requestsPerSecond({ ...job, url })).rejects.toThrow('another status');
	});
});

describe('the ratio', () => {
	test('is the median over the rounds of the ratio within each round, so that a slow round counts little', () => {
		const each = (speeds: Partial<Record<(typeof measuredContenders)[number], number[]>>) => ({
			...Object.fromEntries(measuredContenders.map((name) => [name, [1, 1, 1]])),
			...speeds,
		});
		const speeds = each({
			'bare-worker': [1000, 100, 1000],
			'bare-worker-object': [500, 50, 500],
			'bare-worker-object-row': [200, 20, 200],
			'ours-http': [300, 30, 900],
			upstream: [100, 10, 100],
			'memory-bare': [600, 60, 600],
		});
		// Sound: every contender is in it.
		const samples = { 1: speeds, 32: speeds } as unknown as Samples;
		expect(throughputOf(samples).connections[32]['ours-http']).toEqual({
			toBareWorker: 0.3,
			toObjectCall: 0.6,
			toObjectRow: 1.5,
			toUpstream: 3,
			toMemoryBare: 0.5,
		});
	});
});

describe('the command', () => {
	test('prints nothing but JSON to a machine, and a quick run fails for no speed', async () => {
		const main = join(import.meta.dirname, '../src/throughput/main.ts');
		const { stdout } = await promisify(execFile)(process.execPath, [main, '--quick', '--json']);
		const { connections, samples }: Throughput & { samples: Samples } = JSON.parse(stdout);
		for (const count of connectionCounts) {
			expect(Object.keys(connections[count])).toEqual(measuredContenders);
			for (const name of measuredContenders)
				expect(samples[count][name]).toEqual([expect.any(Number)]);
		}
	});

	test.each(throughputSections(readResult('throughput')))(
		'$name in $document is of results/throughput.json, else npm run bench -- --write',
		(section) => {
			expect(readSection(section)).toBe(section.text);
		},
	);
});
