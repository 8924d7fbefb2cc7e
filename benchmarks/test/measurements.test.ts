import { describe, expect, test } from 'vitest';
import { contendersIn } from '../src/contenders.ts';
import { gated } from '../src/measurements/cpu.ts';
import { measurements, readResults } from '../src/measurements/index.ts';
import type { Results } from '../src/measurements/index.ts';
import { missedAims } from '../src/measurements/measurement.ts';
import type { Measurement } from '../src/measurements/measurement.ts';
import { sessionDollars } from '../src/reports/costs.ts';

/** Runs a measurement with its smallest sizes, which must have no shortfalls. */
async function quick<Name extends keyof typeof measurements>(name: Name): Promise<Results[Name]> {
	const measurement: Measurement<object> = measurements[name];
	const result = await measurement.measure('quick', () => {});
	expect(missedAims(measurement.aims?.(result) ?? [], 'quick')).toEqual([]);
	expect(measurement.format(result)).toMatch(/^\| -{3,} /m);
	// Safe because the measurement has that name.
	return result as Results[Name];
}

describe('a quick run of', () => {
	test('fan-out loses no message of ours, nor of upstream if it is kept alive', async () => {
		const { sideBySide, large } = await quick('fan-out');
		expect(large['ours-http']?.delay?.besideMs).toBeGreaterThan(0);
		expect(Object.keys(sideBySide)).toEqual([
			...contendersIn('fan-out'),
			...contendersIn('fan-out-alone'),
		]);
		for (const figures of [sideBySide, large]) {
			for (const name of ['memory-http', 'ours-http', 'upstream-kept-alive'] as const) {
				expect(figures[name]).toMatchObject({ all: { lost: 0 }, some: { lost: 0 } });
			}
		}
	});

	test('sessions measures every contender with an object for each session', async () => {
		const cases = await quick('sessions');
		expect(cases.map((each) => each.sessions)).toEqual([1, 5]);
		for (const { callsPerSecond, toBareCall, toMcpAgent } of cases) {
			expect(Object.keys(callsPerSecond)).toEqual(contendersIn('own-object'));
			expect(toBareCall).toBeGreaterThan(0);
			expect(toMcpAgent).toBeGreaterThan(0);
		}
	});

	test('cpu finds that calls of pairs take more CPU time than none', async () => {
		const { calls } = await quick('cpu');
		expect(Object.keys(calls)).toEqual(gated);
		for (const { toFloor } of Object.values(calls)) expect(toFloor).toBeGreaterThan(0);
	});

	test('profile attributes calls to the layers that they have', async () => {
		const found = await quick('profile');
		for (const layer of ['workerd', 'handler', 'tmcp', 'validation', 'storage'] as const) {
			expect(found['ours-http']?.[layer]).toBeGreaterThan(0);
			expect(found['session-object']?.[layer]).toBeGreaterThanOrEqual(0);
		}
		expect(found['memory-bare']?.transport).toBeGreaterThan(0);
		expect(found['floor-kv']).toMatchObject({ transport: 0 });
		expect(found['floor-kv']?.storage).toBeGreaterThan(0);
	});

	test('streams reaches every socket with both managers', async () => {
		const { ours, upstream } = await quick('streams');
		for (const costs of [ours, upstream]) {
			expect(costs.map((cost) => cost.streams)).toEqual([10, 30]);
			for (const { toTenMs, toAllMs } of costs) expect(toTenMs + toAllMs).toBeGreaterThan(0);
		}
	});

	test('resume delivers every missed message once', async () => {
		const found = await quick('resume');
		expect(found['ours-http']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['ours-object']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['session-object']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['mcp-agent']).toMatchObject({ statuses: '200', received: 1 });
		expect(found['upstream-kept-alive']).toMatchObject({ received: 0 });
	});

	test('cold-start gets a response of every contender from a new isolate', async () => {
		const found = await quick('cold-start');
		expect(Object.keys(found)).toEqual(contendersIn('cold-start'));
		for (const { gzipBytes, medianMs } of Object.values(found)) {
			expect(gzipBytes).toBeGreaterThan(0);
			expect(medianMs).toBeGreaterThan(0);
		}
	});

	test('memory finds sessions of ours in SQLite, and none of upstream', async () => {
		const { streamBytes, databaseBytes } = await quick('memory');
		expect(streamBytes['ours-http']?.heap?.stream).toBeGreaterThan(0);
		expect(databaseBytes['ours-object']?.session).toBeGreaterThan(0);
		expect(databaseBytes.upstream).toEqual({ session: 0, stream: 0 });
	});

	test('redis-streams holds two connections and reaches the right process each time', async () => {
		const { arrived, bytes, connections, routed } = await quick('redis-streams');
		expect(arrived).toEqual({ cancellations: routed, answers: routed, resumes: routed });
		expect(connections.single).toBe(2);
		expect(bytes.redis.heap).toBeGreaterThan(0);
	});

	test('growth counts the same for a call beside more sessions, and a row for each subscriber', async () => {
		const { sessions: points, subscribers, frames } = await quick('growth');
		for (const { keptMs } of frames) expect(keptMs).toBeGreaterThan(0);
		expect(points[1]?.operations).toEqual(points[0]?.operations);
		expect(subscribers.map(({ operations }) => operations['growing-object'].rowsRead)).toEqual([
			10, 50,
		]);
		for (const { notifiedMs } of subscribers) expect(notifiedMs['growing-kv']).toBeGreaterThan(0);
	});
}, 120_000);

/** Names the power of x with which y grows, from the first point to the last. */
function shapeOf(points: readonly (readonly [x: number, y: number])[]): string {
	const [[x1, y1], [x2, y2]] = [points[0] ?? expect.fail(), points.at(-1) ?? expect.fail()];
	const power = Math.log(y2 / y1) / Math.log(x2 / x1);
	if (Math.abs(power) < 0.15) return 'flat';
	if (power < 0) return 'falling';
	if (power < 0.85) return 'less than linear';
	return power <= 1.15 ? 'linear' : 'more than linear';
}

describe('the published results', () => {
	const { growth, streams, operations } = readResults();

	test('count the same operations for a call beside any number of sessions, as docs/scaling.md says', () => {
		for (const point of growth.sessions) {
			expect(point.operations).toEqual(growth.sessions[0]?.operations);
		}
	});

	test.each(['growing-kv', 'growing-object'] as const)(
		'make calls flat and changes linear for %s, as docs/scaling.md says',
		(name) => {
			const speeds = growth.sessions.map(
				({ sessions, toBareWorker }) => [sessions, toBareWorker[name]] as const,
			);
			expect(shapeOf(speeds)).toBe('flat');
			// A KV list returns 1,000 keys.
			const reads = growth.subscribers
				.filter(({ subscribers }) => name === 'growing-object' || subscribers >= 1_000)
				.map(({ subscribers, operations: { [name]: counts } }) => {
					return [subscribers, (counts.kvLists ?? 0) + (counts.rowsRead ?? 0)] as const;
				});
			expect(shapeOf(reads)).toBe('linear');
		},
	);

	test('make one more kept frame of a call cost no more after any number of frames, as docs/scaling.md says', () => {
		const points = growth.frames.map(({ frames, keptMs }) => [frames, keptMs] as const);
		expect(['flat', 'falling']).toContain(shapeOf(points));
	});

	test('make a publication flat to ten streams and linear to all, as docs/scaling.md says', () => {
		// Below, the fixed part of the time dominates.
		const many = streams.ours.filter((cost) => cost.streams >= 100);
		expect(shapeOf(many.map((cost) => [cost.streams, cost.toTenMs]))).toBe('flat');
		expect(shapeOf(many.map((cost) => [cost.streams, cost.toAllMs]))).toBe('linear');
	});

	test.each([
		['ours-object', 0.2],
		['ours-sealed', 0.1],
	] as const)(
		"price a session of %s below %d of upstream's, as the documents say",
		(name, most) => {
			const ratio = sessionDollars(operations, name) / sessionDollars(operations, 'upstream');
			expect(ratio).toBeLessThan(most);
		},
	);
});
