import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Suite } from './suites.ts';

/** A failed check; its id is not unique within the scenario. */
export interface FailedCheck {
	readonly id: string;
	readonly errorMessage?: string;
	readonly details?: unknown;
}

/** The result of one scenario. */
export interface ScenarioResult {
	readonly scenario: string;
	/**
	 * Whether the suite scores the scenario; extensions and pending scenarios run unscored. Always true
	 * for a scenario that runs alone.
	 */
	readonly scored: boolean;
	/** Empty if the scenario passed. Warnings do not count as failures. */
	readonly failed: readonly FailedCheck[];
}

/** A suite takes less than a minute; the limit ends the run if the server hangs. */
const SUITE_TIMEOUT_MS = 240_000;

/**
 * Runs a suite, or one scenario of it, in a child process.
 *
 * @param url the MCP endpoint.
 * @throws if the suite takes too long or writes no results.
 */
export async function runSuite(
	suite: Suite,
	url: URL,
	scenario?: string,
): Promise<ScenarioResult[]> {
	const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
	const remove = (): void => rmSync(directory, { recursive: true, force: true });
	process.once('exit', remove);
	try {
		const options = scenario === undefined ? suite.allOptions : suite.scenarioOptions(scenario);
		const output = await outputOf(suite, [
			'server',
			'--url',
			url.href,
			'--output-dir',
			directory,
			...options,
		]);
		const results = await resultsIn(directory, unscored(output));
		const announced = scenario === undefined ? announcedCount(output) : 1;
		if (results.length === 0 || results.length !== announced) {
			throw new Error(
				`${suite.name}: expected results of ${announced} scenarios, found ${results.length}. ` +
					`The end of its output:\n${output.slice(-1_000)}`,
			);
		}
		return results;
	} finally {
		process.off('exit', remove);
		remove();
	}
}

async function outputOf(suite: Suite, options: readonly string[]): Promise<string> {
	const child = spawn(process.execPath, [suite.program, ...options], {
		stdio: ['ignore', 'pipe', 'pipe'],
		timeout: SUITE_TIMEOUT_MS,
		killSignal: 'SIGKILL',
	});
	// Also runs after a signal, which miniflare turns into an exit.
	const kill = (): void => void child.kill('SIGKILL');
	process.once('exit', kill);
	let output = '';
	const append = (chunk: Buffer): void => void (output += chunk.toString());
	child.stdout.on('data', append);
	child.stderr.on('data', append);
	// The exit status is ignored: the results say in more detail which checks passed.
	const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (_status, signal) => resolve(signal));
	}).finally(() => process.off('exit', kill));
	if (signal === null) return output;
	throw new Error(
		`${suite.name}: must end within ${SUITE_TIMEOUT_MS / 1000} s; killed by ${signal}. ` +
			`The end of its output:\n${output.slice(-1_000)}`,
	);
}

/** Reads `server-<scenario>-<timestamp>/checks.json` of each scenario. */
async function resultsIn(
	directory: string,
	unscoredNames: ReadonlySet<string>,
): Promise<ScenarioResult[]> {
	const results: ScenarioResult[] = [];
	for (const folder of (await readdir(directory)).toSorted(byTime)) {
		const scenario = folder.replace(/^server-/, '').replace(TIME, '');
		const text = await readFile(join(directory, folder, 'checks.json'), 'utf8').catch(() => '[]');
		// Safe because the suite writes this format; any status but FAILURE counts as passed.
		const checks = JSON.parse(text) as (FailedCheck & { readonly status: string })[];
		const failed = checks.filter(({ status }) => status === 'FAILURE');
		results.push({
			scenario,
			scored: !unscoredNames.has(scenario),
			failed: checks.length === 0 ? [{ id: 'no-result' }] : failed,
		});
	}
	return results;
}

const TIME = /-\d{4}-\d\d-\d\dT[\d-]+Z$/;

function byTime(a: string, b: string): number {
	return (TIME.exec(a)?.[0] ?? '').localeCompare(TIME.exec(b)?.[0] ?? '');
}

/** Parses the count in `Running all suite (32 scenarios) against …`. */
function announcedCount(output: string): number {
	return Number(/^Running .*\((\d+) scenarios\)/m.exec(output)?.[1] ?? 0);
}

/** Parses the names under `Not scored for 2026-07-28: …`, as in `  ✗ tasks-lifecycle (extension)`. */
function unscored(output: string): ReadonlySet<string> {
	const [, lines = ''] = output.split(/^Not scored for .*$/m);
	return new Set([...lines.matchAll(/^ {2}[✓✗] (\S+) \(/gm)].map(([, name = '']) => name));
}
