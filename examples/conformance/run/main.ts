import { parseArgs } from 'node:util';
import { judge, readBaseline, unknownScenarios } from './baseline.ts';
import { deployments, startConformanceServers } from './conformance-servers.ts';
import type { ConformanceServers, Deployment } from './conformance-servers.ts';
import { describeExpected, describeUnexpected, matchesBaseline, table } from './report.ts';
import type { JudgedSuite } from './report.ts';
import { runSuite } from './run-suite.ts';
import type { ScenarioResult } from './run-suite.ts';
import { suites } from './suites.ts';
import type { Suite } from './suites.ts';
import { startTurnTakingProxy } from './turn-taking-proxy.ts';

const names = suites.map(({ name }) => name);
const usage = `Usage: npm run conformance -- [--deployment ${Object.keys(deployments).join(' | ')}] [--isolates 1 | 2] [--suite ${names.join(' | ')}] [--scenario NAME]`;

interface Options {
	/** The numbers of isolates to run on, in order. */
	isolates: readonly number[];
	suites: readonly Suite[];
	scenario: string | undefined;
	/** The deployments to run against, in order. */
	deployments: readonly Deployment[];
}

function readOptions(): Options {
	const { values } = parseArgs({
		options: {
			isolates: { type: 'string' },
			suite: { type: 'string' },
			scenario: { type: 'string' },
			deployment: { type: 'string' },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) {
		console.log(usage);
		process.exit(0);
	}
	const isolates = [2, 1].filter((n) => [undefined, String(n)].includes(values.isolates));
	if (isolates.length === 0) throw new Error(`--isolates must be 1 or 2; got ${values.isolates}`);
	const chosen = suites.filter(({ name }) => [undefined, name].includes(values.suite));
	if (chosen.length === 0)
		throw new Error(`--suite must be one of ${names.join(', ')}; got ${values.suite}`);
	// Safe because `deployments` is a constant object without other keys.
	const deploymentNames = Object.keys(deployments) as Deployment[];
	const deployed = deploymentNames.filter((name) =>
		values.deployment === undefined
			? deployments[name].isOptional !== true
			: values.deployment === name,
	);
	if (deployed.length === 0) {
		throw new Error(
			`--deployment must be one of ${deploymentNames.join(', ')}; got ${values.deployment}`,
		);
	}
	return { isolates, suites: chosen, scenario: values.scenario, deployments: deployed };
}

/** Runs the suites in order, with requests alternating between this number of isolates. */
async function runSuites(
	workers: ConformanceServers,
	deployment: Deployment,
	isolates: number,
	options: Options,
): Promise<JudgedSuite[]> {
	const baseline = await readBaseline();
	const targets = (['a', 'b'] as const).slice(0, isolates).map((name) => workers.url(name));
	const proxy = await startTurnTakingProxy(targets);
	try {
		const judged: JudgedSuite[] = [];
		const { scenarios: only } = deployments[deployment];
		const chosen = only ? options.suites.slice(-1) : options.suites;
		for (const suite of chosen) {
			process.stderr.write(
				`Running ${suite.name} with ${deployment} on ${isolates} of 2 isolates …\n`,
			);
			const start = performance.now();
			const url = new URL('/mcp', proxy.url);
			const results: ScenarioResult[] = [];
			if (!only) results.push(...(await runSuite(suite, url, options.scenario)));
			for (const scenario of only ?? []) {
				if ((options.scenario ?? scenario) !== scenario) continue;
				results.push(...(await runSuite(suite, url, scenario)));
			}
			const scenarios = results.map((result) => judge(result, baseline, { deployment, isolates }));
			const elapsedMs = performance.now() - start;
			judged.push({ name: `${suite.name}, ${deployment}`, isolates, scenarios, elapsedMs });
		}
		return judged;
	} finally {
		await proxy.close();
	}
}

/** Runs the selected suites against each selected deployment. */
async function runAll(options: Options, log: string[]): Promise<JudgedSuite[]> {
	const judged: JudgedSuite[] = [];
	for (const deployment of options.deployments) {
		const workers = await startConformanceServers(deployment, { onLog: (line) => log.push(line) });
		try {
			for (const isolates of options.isolates) {
				if ((deployments[deployment].isolates ?? isolates) !== isolates) continue;
				judged.push(...(await runSuites(workers, deployment, isolates, options)));
			}
		} finally {
			await workers.stop();
		}
	}
	return judged;
}

/** @throws if the baseline names a scenario that no suite has. */
async function requireExistingScenarios(judged: readonly JudgedSuite[]): Promise<void> {
	const existing = judged.flatMap((suite) => suite.scenarios.map(({ scenario }) => scenario));
	const unknown = unknownScenarios(await readBaseline(), new Set(existing));
	if (unknown.length === 0) return;
	throw new Error(
		`baseline.json names scenarios that no suite has: ${unknown.join(', ')}. Delete or correct them.`,
	);
}

async function main(): Promise<void> {
	const options = readOptions();
	console.log(
		'Running the official suites against a server on workerd, and on Node.js over Redis; requests alternate between isolates or processes.',
	);
	const log: string[] = [];
	const judged = await runAll(options, log);
	if (options.suites.length === suites.length && options.scenario === undefined) {
		await requireExistingScenarios(judged);
	}
	const expected = describeExpected(judged);
	if (expected !== '') console.log(`\nExpected to fail:\n${expected}`);
	const unexpected = judged.map(describeUnexpected).filter((text) => text !== '');
	if (unexpected.length > 0) {
		console.log(`\nUnexpected:\n${unexpected.join('\n')}`);
		console.log(`\nThe last lines of the server log:\n${log.slice(-20).join('\n')}`);
	}
	console.log(`\n${table(judged)}`);

	const scenarios = judged.flatMap((suite) => suite.scenarios);
	const failed = scenarios.filter((scenario) => !matchesBaseline(scenario)).length;
	const passed = scenarios.filter(
		(scenario) => scenario.failed.length === 0 && matchesBaseline(scenario),
	).length;
	console.log(`\n${passed} passed, ${failed} failed`);
	process.exitCode = failed === 0 ? 0 : 1;
}

try {
	await main();
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	console.log('\n0 passed, 1 failed');
	process.exitCode = 1;
}
