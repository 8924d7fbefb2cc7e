import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { RecordedTimers } from './recorded-timers.ts';
import { OUTAGE, recordedDeployment, SLOWEST } from './recorded-work.ts';
import type { RecordedDeployment } from './recorded-work.ts';
import { unhandledErrors } from './unhandled-errors.ts';
import { Visitor } from './visitor.ts';
import { visits } from './visits.ts';
import type { Visit } from './visits.ts';

let timers: RecordedTimers;
const unhandled = unhandledErrors();

beforeEach(() => {
	// tmcp writes a line for each error that one of its methods answers with.
	timers = new RecordedTimers();
	timers.start();
	vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => {
	timers.stop();
	vi.restoreAllMocks();
});

/** What came of a visit. */
interface Outcome {
	readonly deployment: RecordedDeployment;
	/** What backends were asked for the visit. */
	readonly operations: readonly string[];
}

/**
 * Pays a visit and waits for the ends of its answers and of all that was given to `waitUntil`, and
 * for nothing else: on Workers, what still runs by then is dropped.
 *
 * @param failing the operation on a backend that fails.
 */
async function pay(
	visit: Visit,
	slowest: (typeof SLOWEST)[number] = 'store',
	failing?: string,
): Promise<Outcome> {
	const deployment = recordedDeployment(slowest);
	const { work } = deployment;
	const visitor = new Visitor(deployment.mcp);
	const session = visit.needsSession === false ? '' : await visitor.initialize();
	await visitor.settled();
	const before = work.operations.length;
	work.failing = failing;
	await visit.pay(visitor, session, deployment);
	await visitor.settled();

	const running = [...work.running];
	work.isOver = true;
	visitor.isOver = true;
	const timersLeft = timers.left;
	await new Promise((resolve) => setTimeout(resolve, 15));
	const found = { running, timersLeft, late: work.late, given: visitor.late };
	expect(found).toEqual({ running: [], timersLeft: [], late: [], given: 0 });
	expect(unhandled.splice(0)).toEqual([]);
	return { deployment, operations: work.operations.slice(before) };
}

describe(
	'nothing runs on once an answer and what waitUntil was given have ended',
	{ timeout: 30_000 },
	() => {
		it.each(Object.entries(visits))('%s', async (_, visit) => {
			for (const slowest of SLOWEST) {
				const { deployment } = await pay(visit, slowest);
				expect(deployment.errors).toEqual([]);
			}
		});

		it.each(Object.entries(visits))('%s, whichever operation fails', async (_, visit) => {
			const { operations } = await pay(visit);
			let failures = 0;
			for (const operation of operations) {
				let failed = (await pay(visit, 'store', operation)).deployment;
				// What a heartbeat asks for may come sooner or later.
				for (let more = 0; more < 3 && !failed.work.hasFailed; more++) {
					failed = (await pay(visit, 'store', operation)).deployment;
				}
				// The machine was held up for a moment, and the visit took long enough to ask for more.
				if (!failed.work.hasFailed) continue;
				failures += 1;
				const reports = failed.errors.map(({ message }) => message);
				expect([operation, reports]).toEqual([
					operation,
					expect.arrayContaining([expect.stringContaining(OUTAGE)]),
				]);
			}
			expect(failures).toBeGreaterThanOrEqual(operations.length / 2);
		});
	},
);
