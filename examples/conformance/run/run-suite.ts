import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Suite } from './suites.ts';

/** A check that failed: its id is not unique within its scenario. */
export interface FailedCheck {
	readonly id: string;
	readonly errorMessage?: string;
	readonly details?: unknown;
}

/** What came of one scenario. */
export interface ScenarioResult {
	readonly scenario: string;
	/**
	 * Whether the suite counts it: extensions and what is still pending run without being counted.
	 * A scenario that runs alone is always said to count.
	 */
	readonly scored: boolean;
	/** None: it passed. Warnings are no failures. */
	readonly failed: readonly FailedCheck[];
}

/** Everything together takes less than a minute; a server that hangs must not stop the whole run. */
const SUITE_TIMEOUT_MS = 240_000;

/**
 * Runs a suite, or one scenario of it, in a process of its own.
 *
 * @param url where the server answers MCP.
 * @throws where it takes too long or gives no results.
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
		const options = scenario === undefined ? suite.every : suite.only(scenario);
		const output = await outputOf(suite, [
			...['server', '--url', url.href, '--output-dir', directory],
			...options,
		]);
		const results = await resultsIn(directory, notScored(output));
		const announced = scenario === undefined ? announcedCount(output) : 1;
		if (results.length === 0 || results.length !== announced) {
			throw new Error(
				`${suite.name}: expected results of ${announced} scenarios, found ${results.length}. ` +
					`It ended with:\n${output.slice(-1_000)}`,
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
	// Also when a signal ends this process, which miniflare makes a proper exit.
	const kill = (): void => void child.kill('SIGKILL');
	process.once('exit', kill);
	let output = '';
	const append = (chunk: Buffer): void => void (output += chunk.toString());
	child.stdout.on('data', append);
	child.stderr.on('data', append);
	// Its exit status tells whether all checks passed: the results say so in more detail.
	const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (_status, signal) => resolve(signal));
	}).finally(() => process.off('exit', kill));
	if (signal === null) return output;
	throw new Error(
		`${suite.name}: expected to end within ${SUITE_TIMEOUT_MS / 1000} s, was ended by ${signal}. ` +
			`Its last words were:\n${output.slice(-1_000)}`,
	);
}

/** Reads `server-<scenario>-<time>/checks.json` of each scenario. */
async function resultsIn(
	directory: string,
	notScored: ReadonlySet<string>,
): Promise<ScenarioResult[]> {
	const results: ScenarioResult[] = [];
	for (const folder of (await readdir(directory)).toSorted(byTime)) {
		const scenario = folder.replace(/^server-/, '').replace(TIME, '');
		const text = await readFile(join(directory, folder, 'checks.json'), 'utf8').catch(() => '[]');
		// The suite's own format; a status that is none of ours is not a failure.
		const checks = JSON.parse(text) as (FailedCheck & { readonly status: string })[];
		const failed = checks.filter(({ status }) => status === 'FAILURE');
		results.push({
			scenario,
			scored: !notScored.has(scenario),
			failed: checks.length === 0 ? [{ id: 'no-result' }] : failed,
		});
	}
	return results;
}

const TIME = /-\d{4}-\d\d-\d\dT[\d-]+Z$/;

function byTime(a: string, b: string): number {
	return (TIME.exec(a)?.[0] ?? '').localeCompare(TIME.exec(b)?.[0] ?? '');
}

/** `Running all suite (32 scenarios) against …`. */
function announcedCount(output: string): number {
	return Number(/^Running .*\((\d+) scenarios\)/m.exec(output)?.[1] ?? 0);
}

/** The lines under `Not scored for 2026-07-28: …`, such as `  ✗ tasks-lifecycle (extension)`. */
function notScored(output: string): ReadonlySet<string> {
	const [, lines = ''] = output.split(/^Not scored for .*$/m);
	return new Set([...lines.matchAll(/^ {2}[✓✗] (\S+) \(/gm)].map(([, name = '']) => name));
}
