import { parseArgs } from 'node:util';
import { judge, readBaseline, unknownScenarios } from './baseline.ts';
import { startConformanceWorkers } from './conformance-workers.ts';
import type { ConformanceWorkers } from './conformance-workers.ts';
import { describeExpected, describeSurprises, holds, table } from './report.ts';
import type { JudgedSuite } from './report.ts';
import { runSuite } from './run-suite.ts';
import { suites } from './suites.ts';
import type { Suite } from './suites.ts';
import { startTurnTakingProxy } from './turn-taking-proxy.ts';

const names = suites.map(({ name }) => name);
const usage = `Usage: npm run conformance -- [--isolates 1 | 2] [--suite ${names.join(' | ')}] [--scenario NAME]`;

interface Options {
	/** One number, or both one after the other. */
	isolates: readonly number[];
	suites: readonly Suite[];
	scenario: string | undefined;
}

function readOptions(): Options {
	const { values } = parseArgs({
		options: {
			isolates: { type: 'string' },
			suite: { type: 'string' },
			scenario: { type: 'string' },
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
	return { isolates, suites: chosen, scenario: values.scenario };
}

/** Runs the suites one after the other, with requests that alternate between so many isolates. */
async function runSuites(
	workers: ConformanceWorkers,
	isolates: number,
	options: Options,
): Promise<JudgedSuite[]> {
	const baseline = await readBaseline();
	const targets = (['a', 'b'] as const).slice(0, isolates).map((name) => workers.url(name));
	const proxy = await startTurnTakingProxy(targets);
	try {
		const judged: JudgedSuite[] = [];
		for (const suite of options.suites) {
			process.stderr.write(`Running ${suite.name} on ${isolates} of 2 isolates …\n`);
			const start = performance.now();
			const results = await runSuite(suite, new URL('/mcp', proxy.url), options.scenario);
			const scenarios = results.map((result) => judge(result, baseline, isolates));
			const elapsedMs = performance.now() - start;
			judged.push({ name: suite.name, isolates, scenarios, elapsedMs });
		}
		return judged;
	} finally {
		await proxy.close();
	}
}

/** Runs everything that was asked for against one server. */
async function runAll(options: Options, log: string[]): Promise<JudgedSuite[]> {
	const workers = await startConformanceWorkers({ onLog: (line) => log.push(line) });
	try {
		const judged: JudgedSuite[] = [];
		for (const isolates of options.isolates) {
			judged.push(...(await runSuites(workers, isolates, options)));
		}
		return judged;
	} finally {
		await workers.stop();
	}
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
