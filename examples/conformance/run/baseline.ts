import { readFile } from 'node:fs/promises';
import type { FailedCheck, ScenarioResult } from './run-suite.ts';

/** Failures that the run expects, and the reason. */
export interface ExpectedFailure {
	readonly scenarios: readonly string[];
	/** Ids of the checks that fail in each scenario. Default: any check. */
	readonly checks?: readonly string[];
	/** Applies only to runs on this number of isolates. Default: any number. */
	readonly isolates?: number;
	/** Applies only to runs of this deployment. Default: any deployment. */
	readonly deployment?: string;
	/** What the product does not do yet, or the reason that it never will. */
	readonly reason: string;
}

/** A scenario's result compared with the baseline. */
export interface JudgedScenario extends ScenarioResult {
	readonly expected: readonly { readonly check: FailedCheck; readonly reason: string }[];
	/** Failures that are not in the baseline. */
	readonly unexpected: readonly FailedCheck[];
	/** Failures that the baseline expects and that did not occur. */
	readonly stale: readonly string[];
}

/** Reads the baseline of this example. */
export async function readBaseline(): Promise<readonly ExpectedFailure[]> {
	const text = await readFile(new URL('../baseline.json', import.meta.url), 'utf8');
	// Safe because baseline.json is in this repository and has this shape.
	return JSON.parse(text) as ExpectedFailure[];
}

/** Where a scenario ran. */
export interface Run {
	readonly deployment: string;
	readonly isolates: number;
}

/** Compares the result of a scenario in a run with the baseline. */
export function judge(
	result: ScenarioResult,
	baseline: readonly ExpectedFailure[],
	{ deployment, isolates }: Run,
): JudgedScenario {
	const entries = baseline.filter(
		(entry) =>
			entry.scenarios.includes(result.scenario) &&
			(entry.isolates ?? isolates) === isolates &&
			(entry.deployment ?? deployment) === deployment,
	);
	const expected: { check: FailedCheck; reason: string }[] = [];
	const unexpected: FailedCheck[] = [];
	for (const check of result.failed) {
		const entry = entries.find(({ checks }) => checks === undefined || checks.includes(check.id));
		if (entry === undefined) unexpected.push(check);
		else expected.push({ check, reason: entry.reason });
	}
	const failedIds = new Set(result.failed.map(({ id }) => id));
	const stale = entries.flatMap(({ checks }) => {
		if (checks === undefined) return failedIds.size === 0 ? ['the whole scenario'] : [];
		return checks.filter((id) => !failedIds.has(id));
	});
	return { ...result, expected, unexpected, stale };
}

/** Returns the scenarios of the baseline that no suite has: misspelled or removed upstream. */
export function unknownScenarios(
	baseline: readonly ExpectedFailure[],
	existing: ReadonlySet<string>,
): string[] {
	return baseline.flatMap(({ scenarios }) => scenarios).filter((name) => !existing.has(name));
}
