import { parseArgs } from 'node:util';
import { judge, readBaseline, unknownScenarios } from './baseline.ts';
import { deployments, startConformanceWorkers } from './conformance-workers.ts';
import type { ConformanceWorkers, Deployment } from './conformance-workers.ts';
import { describeExpected, describeSurprises, holds, table } from './report.ts';
import type { JudgedSuite } from './report.ts';
import { runSuite } from './run-suite.ts';
import { suites } from './suites.ts';
import type { Suite } from './suites.ts';
import { startTurnTakingProxy } from './turn-taking-proxy.ts';

const names = suites.map(({ name }) => name);
const usage = `Usage: npm run conformance -- [--deployment ${Object.keys(deployments).join(' | ')}] [--isolates 1 | 2] [--suite ${names.join(' | ')}] [--scenario NAME]`;

interface Options {
	/** One number, or both one after the other. */
	isolates: readonly number[];
	suites: readonly Suite[];
	scenario: string | undefined;
	/** One, or all one after the other. */
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
	if (isolates.length === 0) throw new Error('--isolates is 1 or 2');
	const chosen = suites.filter(({ name }) => [undefined, name].includes(values.suite));
	if (chosen.length === 0) throw new Error(`--suite is one of ${names.join(', ')}`);
	// Sound: these are its keys.
	const known = Object.keys(deployments) as Deployment[];
	const deployed = known.filter((name) => (values.deployment ?? name) === name);
	if (deployed.length === 0) throw new Error(`--deployment is one of ${known.join(', ')}`);
	return { isolates, suites: chosen, scenario: values.scenario, deployments: deployed };
}

/** Runs the suites one after the other, with requests that alternate between so many isolates. */
async function runSuites(
	workers: ConformanceWorkers,
	deployment: Deployment,
	isolates: number,
	options: Options,
): Promise<JudgedSuite[]> {
	const baseline = await readBaseline();
	const targets = (['a', 'b'] as const).slice(0, isolates).map((name) => workers.url(name));
	const proxy = await startTurnTakingProxy(targets);
	try {
		const judged: JudgedSuite[] = [];
		for (const suite of options.suites) {
			process.stderr.write(
				`Running ${suite.name} with ${deployment} on ${isolates} of 2 isolates …\n`,
			);
			const start = performance.now();
			const results = await runSuite(suite, new URL('/mcp', proxy.url), options.scenario);
			const scenarios = results.map((result) => judge(result, baseline, isolates));
			const elapsedMs = performance.now() - start;
			judged.push({ name: `${suite.name}, ${deployment}`, isolates, scenarios, elapsedMs });
		}
		return judged;
	} finally {
		await proxy.close();
	}
}

/** Runs everything that was asked for against one server. */
async function runAll(options: Options, log: string[]): Promise<JudgedSuite[]> {
	const judged: JudgedSuite[] = [];
	for (const deployment of options.deployments) {
		const workers = await startConformanceWorkers(deployment, { onLog: (line) => log.push(line) });
		try {
			for (const isolates of options.isolates) {
				judged.push(...(await runSuites(workers, deployment, isolates, options)));
			}
		} finally {
			await workers.stop();
		}
	}
	return judged;
}

async function requireKnown(judged: readonly JudgedSuite[]): Promise<void> {
	const known = judged.flatMap((suite) => suite.scenarios.map(({ scenario }) => scenario));
	const unknown = unknownScenarios(await readBaseline(), new Set(known));
	if (unknown.length === 0) return;
	throw new Error(`baseline.json names scenarios that no suite has: ${unknown.join(', ')}`);
}

async function main(): Promise<void> {
	const options = readOptions();
	console.log('The official suites against a server on workerd, whose isolates take turns.');
	const log: string[] = [];
	const judged = await runAll(options, log);
	if (options.suites.length === suites.length && options.scenario === undefined) {
		await requireKnown(judged);
	}
	const expected = describeExpected(judged);
	if (expected !== '') console.log(`\nExpected to fail:\n${expected}`);
	const surprises = judged.map(describeSurprises).filter((text) => text !== '');
	if (surprises.length > 0) {
		console.log(`\nNot as expected:\n${surprises.join('\n')}`);
		console.log(`\nThe last lines that the server logged:\n${log.slice(-20).join('\n')}`);
	}
	console.log(`\n${table(judged)}`);

	const scenarios = judged.flatMap((suite) => suite.scenarios);
	const failed = scenarios.filter((each) => !holds(each)).length;
	const passed = scenarios.filter((each) => each.failed.length === 0 && holds(each)).length;
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
