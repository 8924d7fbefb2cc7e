import { describe, expect, test } from 'vitest';
import { contendersIn } from '../src/contenders.ts';
import { coldStart } from '../src/measurements/cold-start.ts';
import { fanOut } from '../src/measurements/fan-out.ts';
import { growth } from '../src/measurements/growth.ts';
import { memory } from '../src/measurements/memory.ts';
import type { Measurement } from '../src/measurements/measurement.ts';
import { resume } from '../src/measurements/resume.ts';
import { sessions } from '../src/measurements/sessions.ts';
import { streams } from '../src/measurements/streams.ts';
import { sessionDollars } from '../src/reports/costs.ts';
import { curvesOf, shapeOf } from '../src/reports/curves.ts';
import { readResult } from '../src/reports/results.ts';

/** Runs a measurement with its smallest sizes, which must have no shortfalls. */
async function quick<Result extends object>(measurement: Measurement<Result>): Promise<Result> {
	const result = await measurement.measure('quick', () => {});
	expect(measurement.shortfalls(result, 'quick')).toEqual([]);
	expect(measurement.format(result)).toMatch(/^\| -{3,} /m);
	return result;
}

describe('a quick run of', () => {
	test('fan-out loses no message of ours, nor of upstream if it is kept alive', async () => {
		const { sideBySide, large } = await quick(fanOut);
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

	test('sessions measures every contender with an object for each session', async () => {
		const cases = await quick(sessions);
		expect(cases.map((each) => each.sessions)).toEqual([1, 5]);
		for (const { callsPerSecond, toBareCall, toMcpAgent } of cases) {
			expect(Object.keys(callsPerSecond)).toEqual(contendersIn('session object'));
			expect(toBareCall).toBeGreaterThan(0);
			expect(toMcpAgent).toBeGreaterThan(0);
		}
	});

	test('streams reaches every socket with both managers', async () => {
		const { ours, upstream } = await quick(streams);
		for (const costs of [ours, upstream]) {
			expect(costs.map((cost) => cost.streams)).toEqual([10, 30]);
			for (const { toTenMs, toAllMs } of costs) expect(toTenMs + toAllMs).toBeGreaterThan(0);
		}
	});

	test('resume delivers every missed message once', async () => {
		const found = await quick(resume);
		expect(found['ours-http']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['ours-object']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['session-object']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['mcp-agent']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['upstream-kept-alive']).toMatchObject({ received: 0 });
	});

	test('cold-start gets a response of every contender from a new isolate', async () => {
		const found = await quick(coldStart);
		expect(Object.keys(found)).toEqual(contendersIn('cold start'));
		for (const { gzipBytes, medianMs } of Object.values(found)) {
			expect(gzipBytes).toBeGreaterThan(0);
			expect(medianMs).toBeGreaterThan(0);
		}
	});

	test('memory finds sessions of ours in SQLite, and none of upstream', async () => {
		const { streamBytes, databaseBytes } = await quick(memory);
		expect(Object.keys(streamBytes)).toContain('ours-http');
		expect(databaseBytes['ours-object']?.session).toBeGreaterThan(0);
		expect(databaseBytes.upstream).toEqual({ session: 0, stream: 0 });
	});

	test('growth counts the same for a call beside more sessions, and a row for each subscriber', async () => {
		const { sessions: points, subscribers } = await quick(growth);
		expect(points[1]?.operations).toEqual(points[0]?.operations);
		expect(subscribers.map(({ operations }) => operations['growing-object'].rowsRead)).toEqual([
			10, 50,
		]);
		for (const { notifiedMs } of subscribers) expect(notifiedMs['growing-kv']).toBeGreaterThan(0);
	});
}, 120_000);

describe('the published results', () => {
	test('count the same operations for a call beside any number of sessions, as docs/scaling.md says', () => {
		const { sessions } = readResult('growth');
		for (const { operations } of sessions) expect(operations).toEqual(sessions[0]?.operations);
	});

	test('make calls and publications flat or linear, for the causes in docs/scaling.md', () => {
		const shapes = Object.fromEntries(
			curvesOf(readResult('growth'), readResult('streams')).map((curve) => [
				`${curve.of}: ${curve.figure}`,
				shapeOf(curve),
			]),
		);
		expect(shapes).toMatchObject({
			'sessions: operations of a call, KV': 'flat',
			'sessions: speed of a call, KV': 'flat',
			'sessions: operations of a call, Durable Objects': 'flat',
			'sessions: speed of a call, Durable Objects': 'flat',
			'streams: time of a publication to ten': 'flat',
			'streams: time of a publication to all': 'linear',
			'subscribers: operations of a change, KV': 'linear',
			'subscribers: operations of a change, Durable Objects': 'linear',
		});
	});

	test("price a session of Durable Objects alone below a fifth of upstream's, as the documents say", () => {
		const operations = readResult('operations');
		const ratio =
			sessionDollars(operations, 'ours-object') / sessionDollars(operations, 'upstream');
		expect(ratio).toBeLessThan(0.2);
	});

	test("price a sealed session below a tenth of upstream's", () => {
		const operations = readResult('operations');
		const ratio =
			sessionDollars(operations, 'ours-sealed') / sessionDollars(operations, 'upstream');
		expect(ratio).toBeLessThan(0.1);
	});
});
