import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { contendersIn } from '../src/contenders.ts';
import type { ColdStarts } from '../src/cold-start/measure-cold-start.ts';
import { sessionDollars } from '../src/costs/cost-table.ts';
import type { FanOutResult } from '../src/fan-out/fan-out-text.ts';
import { curves, shapeOf } from '../src/growth/curves-text.ts';
import type { Growth } from '../src/growth/measure-growth.ts';
import type { StreamCosts } from '../src/growth/measure-streams.ts';
import type { Memory } from '../src/memory/measure-memory.ts';
import type { Resumptions } from '../src/resume/measure-resume.ts';
import type { SessionSpeeds } from '../src/sessions/measure-sessions.ts';
import { readResult } from '../src/results.ts';
import type { ResultName } from '../src/results.ts';

const main = join(import.meta.dirname, '../src/bench/main.ts');

/** What a short run of one part finds. */
async function quick<Result>(part: ResultName): Promise<Result> {
	const args = [main, '--quick', '--json', '--only', part];
	const { stdout } = await promisify(execFile)(process.execPath, args);
	// Sound: the command prints what the part found, under its name.
	return (JSON.parse(stdout) as Record<ResultName, Result>)[part];
}

describe('a short run of', () => {
	test('fan-out: ours loses nothing, and upstream arrives as soon as it is kept alive', async () => {
		const { sideBySide, large } = await quick<FanOutResult>('fan-out');
		expect(Object.keys(sideBySide)).toEqual([
			...contendersIn('fan-out'),
			...contendersIn('fan-out alone'),
		]);
		for (const figures of [sideBySide, large]) {
			for (const name of ['memory-http', 'ours-http', 'upstream-kept-alive'] as const) {
				expect(figures[name]).toMatchObject({ all: { lost: 0 }, some: { lost: 0 } });
			}
		}
	});

	test('sessions: every contender answers calls of sessions with an object each', async () => {
		const cases = await quick<SessionSpeeds>('sessions');
		expect(cases.map(({ sessions }) => sessions)).toEqual([1, 5]);
		for (const { callsPerSecond, toBareCall, toMcpAgent } of cases) {
			expect(Object.keys(callsPerSecond)).toEqual(contendersIn('own object'));
			expect(toBareCall).toBeGreaterThan(0);
			expect(toMcpAgent).toBeGreaterThan(0);
		}
	});

	test('streams: both managers reach every socket', async () => {
		const { ours, upstream } = await quick<StreamCosts>('streams');
		for (const costs of [ours, upstream]) {
			expect(costs.map(({ streams }) => streams)).toEqual([10, 30]);
			for (const { toTenMs, toAllMs } of costs) expect(toTenMs + toAllMs).toBeGreaterThan(0);
		}
	});

	test('resume: ours gives exactly what was missed, once', async () => {
		const found = await quick<Resumptions>('resume');
		expect(found['ours-http']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['ours-object']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['session-object']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['mcp-agent']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['upstream-kept-alive']).toMatchObject({ received: 0 });
	});

	test('cold-start: every contender answers from a new isolate', async () => {
		const found = await quick<ColdStarts>('cold-start');
		expect(Object.keys(found)).toEqual(contendersIn('cold start'));
		for (const { gzipBytes, medianMs } of Object.values(found)) {
			expect(gzipBytes).toBeGreaterThan(0);
			expect(medianMs).toBeGreaterThan(0);
		}
	});

	test('memory: a session of upstream is not in SQLite, and one of ours is', async () => {
		const { streamBytes, databaseBytes } = await quick<Memory>('memory');
		expect(Object.keys(streamBytes)).toContain('ours-http');
		expect(databaseBytes['ours-object']?.session).toBeGreaterThan(0);
		expect(databaseBytes.upstream).toEqual({ session: 0, stream: 0 });
	});

	test('growth: a call asks for as much beside more sessions, and a change reads each subscriber', async () => {
		const { sessions, subscribers } = await quick<Growth>('growth');
		expect(sessions[1]?.operations).toEqual(sessions[0]?.operations);
		expect(subscribers.map(({ operations }) => operations['growing-object'].rowsRead)).toEqual([
			10, 50,
		]);
		for (const { toldMs } of subscribers) expect(toldMs['growing-kv']).toBeGreaterThan(0);
	});
}, 240_000);

describe('what is published', () => {
	test('a call grows with no number of sessions, as docs/scaling.md says', () => {
		const { sessions } = readResult('growth');
		for (const { operations } of sessions) expect(operations).toEqual(sessions[0]?.operations);
	});

	test('what a call and a publish cost is flat or linear, as docs/scaling.md says why', () => {
		const shapes = Object.fromEntries(
			curves(readResult('growth'), readResult('streams')).map((curve) => [
				`${curve.of}: ${curve.what}`,
				shapeOf(curve),
			]),
		);
		expect(shapes).toMatchObject({
			'sessions: operations of a call, KV': 'flat',
			'sessions: speed of a call, KV': 'flat',
			'sessions: operations of a call, Durable Objects': 'flat',
			'sessions: speed of a call, Durable Objects': 'flat',
			'streams: time of a publish to ten': 'flat',
			'streams: time of a publish to all': 'linear',
			'subscribers: operations of a change, KV': 'linear',
			'subscribers: operations of a change, Durable Objects': 'linear',
		});
	});

	test('a session of Durable Objects alone costs less than a fifth of one of upstream, as docs say', () => {
		const operations = readResult('operations');
		const ratio =
			sessionDollars(operations, 'ours-object') / sessionDollars(operations, 'upstream');
		expect(ratio).toBeLessThan(0.2);
	});

	test('a sealed session costs less than a tenth of one of upstream', () => {
		const operations = readResult('operations');
		const ratio =
			sessionDollars(operations, 'ours-sealed') / sessionDollars(operations, 'upstream');
		expect(ratio).toBeLessThan(0.1);
	});
});
