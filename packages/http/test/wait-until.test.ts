import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { RecordedTimers } from './recorded-timers.ts';
import { OUTAGE, createRecordedDeployment, SLOWEST } from './recorded-deployment.ts';
import type { RecordedDeployment } from './recorded-deployment.ts';
import { unhandledErrors } from './unhandled-errors.ts';
import { PlatformClient } from './platform-client.ts';
import { scenarios } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';

let timers: RecordedTimers;
const unhandled = unhandledErrors();

beforeEach(() => {
	timers = new RecordedTimers();
	timers.start();
});
afterEach(() => {
	timers.stop();
});

/** The result of a scenario. */
interface Outcome {
	readonly deployment: RecordedDeployment;
	/** The backend operations of the scenario. */
	readonly operations: readonly string[];
}

/**
 * Runs a scenario and expects that nothing still runs once its responses have ended and the promises
 * passed to `waitUntil` have settled: Workers drops whatever runs beyond that.
 *
 * @param failing the backend operation that fails.
 */
async function expectNothingLeft(
	scenario: Scenario,
	slowest: (typeof SLOWEST)[number] = 'store',
	failing?: string,
): Promise<Outcome> {
	const deployment = createRecordedDeployment(slowest);
	const { jobs } = deployment;
	const client = new PlatformClient(deployment.mcp);
	const session = scenario.needsSession === false ? '' : await client.initialize();
	await client.settled();
	const before = jobs.operations.length;
	jobs.failing = failing;
	await scenario.run(client, session, deployment);
	await client.settled();

	const running = [...jobs.running];
	jobs.isOver = true;
	client.isOver = true;
	const pendingTimers = timers.pending;
	await new Promise((resolve) => setTimeout(resolve, 15));
	const found = { running, pendingTimers, late: jobs.late, lateWaitUntil: client.lateWaitUntil };
	expect(found).toEqual({ running: [], pendingTimers: [], late: [], lateWaitUntil: 0 });
	expect(unhandled.splice(0)).toEqual([]);
	return { deployment, operations: jobs.operations.slice(before) };
}

describe(
	'nothing runs after the responses have ended and the promises of waitUntil have settled',
	{ timeout: 30_000 },
	() => {
		it.each(Object.entries(scenarios))('of %s', async (_, scenario) => {
			for (const slowest of SLOWEST) {
				const { deployment } = await expectNothingLeft(scenario, slowest);
				// A tool that throws is reported.
				const errors = deployment.errors.filter(
					({ message }) => !message.endsWith('the tool broke'),
				);
				expect(errors).toEqual([]);
			}
		});

		it.each(Object.entries(scenarios))('of %s, whichever operation fails', async (_, scenario) => {
			const { operations } = await expectNothingLeft(scenario);
			let failures = 0;
			for (const operation of operations) {
				let failed = (await expectNothingLeft(scenario, 'store', operation)).deployment;
				// An operation of a keep-alive may not happen in every run.
				for (let more = 0; more < 3 && !failed.jobs.hasFailed; more++) {
					failed = (await expectNothingLeft(scenario, 'store', operation)).deployment;
				}
				// The first run was slow and had an extra keep-alive, so this operation exists only there.
				if (!failed.jobs.hasFailed) continue;
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
