import { listWithOfficialClients } from '@tmcp-sessions/clients/listing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judge, readBaseline } from '../run/baseline.ts';
import { startConformanceServers } from '../run/conformance-servers.ts';
import type { ConformanceServers } from '../run/conformance-servers.ts';
import { runSuite } from '../run/run-suite.ts';
import { suites } from '../run/suites.ts';
import { startTurnTakingProxy } from '../run/turn-taking-proxy.ts';
import type { TurnTakingProxy } from '../run/turn-taking-proxy.ts';

const inputRequired = (...names: string[]): string[] =>
	names.map((name) => `test_input_required_result_${name}`);

const taskFixtures = [
	'greet',
	'slow_compute',
	'failing_job',
	'protocol_error_job',
	'confirm_delete',
	'multi_input',
	'test_tool_with_task',
];

const offered = {
	tools: [
		'test_simple_text',
		'test_image_content',
		'test_audio_content',
		'test_embedded_resource',
		'test_multiple_content_types',
		'test_error_handling',
		'json_schema_2020_12_tool',
		'test_header_parameter',
		'test_sampling',
		'test_elicitation',
		'test_elicitation_sep1034_defaults',
		'test_elicitation_sep1330_enums',
		...inputRequired('elicitation'),
		'test_streaming_elicitation',
		...inputRequired('sampling'),
		'test_missing_capability',
		...inputRequired('list_roots'),
		...inputRequired('request_state', 'tampered_state', 'multi_round', 'multiple_inputs'),
		...inputRequired('capabilities'),
		'test_tool_with_logging',
		'test_logging_tool',
		'test_tool_with_progress',
		'test_reconnection',
		'test_trigger_tool_change',
		'test_trigger_prompt_change',
	],
	resources: ['test://static-text', 'test://static-binary', 'test://watched-resource'],
	templates: ['test://template/{id}/data'],
	prompts: [
		...inputRequired('prompt'),
		'test_simple_prompt',
		'test_prompt_with_arguments',
		'test_prompt_with_embedded_resource',
		'test_prompt_with_image',
	],
};

describe.each(['managers', 'session-object', 'redis', 'sdk'] as const)('with %s', (deployment) => {
	let workers: ConformanceServers;
	let proxy: TurnTakingProxy;

	beforeAll(async () => {
		workers = await startConformanceServers(deployment);
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

	it.each(['tasks-lifecycle', 'tasks-mrtr-input'])(
		'passes %s on two isolates, except for what the baseline lists',
		async (scenario) => {
			const suite = suites.at(-1);
			const results = suite && (await runSuite(suite, new URL('/mcp', proxy.url), scenario));
			const baseline = await readBaseline();
			const judged = results?.map((result) => judge(result, baseline, { deployment, isolates: 2 }));
			expect(judged).toMatchObject([{ scenario, unexpected: [], stale: [] }]);
		},
		120_000,
	);

	it('lists everything to the official clients and the Inspector', async () => {
		const expected = { ...offered, tools: [...offered.tools, ...taskFixtures] };
		const listings = await listWithOfficialClients(new URL('/mcp', proxy.url), expected);
		for (const [client, listing] of Object.entries(listings)) {
			expect(listing, client).toEqual(expected);
		}
	}, 120_000);

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

describe.each(['tasks-queue', 'tasks-workflows'] as const)('tasks alone, with %s', (deployment) => {
	let workers: ConformanceServers;
	let proxy: TurnTakingProxy;

	beforeAll(async () => {
		workers = await startConformanceServers(deployment);
		proxy = await startTurnTakingProxy([workers.url('a'), workers.url('b')]);
	});
	afterAll(async () => {
		await proxy.close();
		await workers.stop();
	});

	it.each(['tasks-lifecycle', 'tasks-mrtr-input'])(
		'pass %s on two isolates',
		async (scenario) => {
			const suite = suites.at(-1);
			const results = suite && (await runSuite(suite, new URL('/mcp', proxy.url), scenario));
			expect(results).toMatchObject([{ scenario, failed: [] }]);
		},
		120_000,
	);
});
