import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startConformanceWorkers } from '../run/conformance-workers.ts';
import type { ConformanceWorkers } from '../run/conformance-workers.ts';
import { runSuite } from '../run/run-suite.ts';
import { suites } from '../run/suites.ts';
import { startTurnTakingProxy } from '../run/turn-taking-proxy.ts';
import type { TurnTakingProxy } from '../run/turn-taking-proxy.ts';

describe.each(['managers', 'session-object'] as const)('with %s', (deployment) => {
	let workers: ConformanceWorkers;
	let proxy: TurnTakingProxy;

	beforeAll(async () => {
		workers = await startConformanceWorkers(deployment);
		proxy = await startTurnTakingProxy([workers.url('a'), workers.url('b')]);
	});
	afterAll(async () => {
		await proxy.close();
		await workers.stop();
	});

	it.each(suites)('passes a scenario of $name on two isolates', async (suite) => {
		const results = await runSuite(suite, new URL('/mcp', proxy.url), 'tools-call-with-progress');
		expect(results).toEqual([{ scenario: 'tools-call-with-progress', scored: true, failed: [] }]);
	});

	it('fails a scenario whose endpoint returns 404', async () => {
		const [suite] = suites;
		const results = suite && (await runSuite(suite, new URL('/elsewhere', proxy.url), 'ping'));
		expect(results).toMatchObject([{ scenario: 'ping', failed: [{ id: 'ping' }] }]);
	});

	it('rejects a scenario that the suite does not have', async () => {
		const [suite] = suites;
		await expect(suite && runSuite(suite, new URL('/mcp', proxy.url), 'none-such')).rejects.toThrow(
			'expected results of 1 scenarios, found 0',
		);
	});
});
