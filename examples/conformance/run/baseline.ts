import { readFile } from 'node:fs/promises';
import type { FailedCheck, ScenarioResult } from './run-suite.ts';

/** What is known to fail, and why. */
export interface ExpectedFailure {
	readonly scenarios: readonly string[];
	/** Ids of the checks that fail in each of them; without any, whatever fails there. */
	readonly checks?: readonly string[];
	/** Only where requests alternate between so many isolates. Default: with any number. */
	readonly isolates?: number;
	/** What the product does not do yet, or why it will not. */
	readonly reason: string;
}

/** A scenario beside what the baseline says of it. */
export interface JudgedScenario extends ScenarioResult {
	readonly expected: readonly { readonly check: FailedCheck; readonly reason: string }[];
	/** Failures that the baseline does not know. */
	readonly unexpected: readonly FailedCheck[];
	/** What the baseline says would fail and does not. */
	readonly stale: readonly string[];
}

/** The baseline of this example. */
export async function readBaseline(): Promise<readonly ExpectedFailure[]> {
	const text = await readFile(new URL('../baseline.json', import.meta.url), 'utf8');
	// A file of this folder, written for this type.
	return JSON.parse(text) as ExpectedFailure[];
}

/** Holds what came of a scenario, with requests to so many isolates, against the baseline. */
export function judge(
	result: ScenarioResult,
	baseline: readonly ExpectedFailure[],
	isolates: number,
): JudgedScenario {
	const entries = baseline.filter(
		(entry) =>
			entry.scenarios.includes(result.scenario) && (entry.isolates ?? isolates) === isolates,
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

/** Scenarios that the baseline names and no suite has: a name that was mistyped, or is gone. */
export function unknownScenarios(
	baseline: readonly ExpectedFailure[],
	known: ReadonlySet<string>,
): string[] {
	return baseline.flatMap(({ scenarios }) => scenarios).filter((name) => !known.has(name));
}
