import type { JudgedScenario } from './baseline.ts';
import type { FailedCheck } from './run-suite.ts';

/** A suite's scenarios compared with the baseline. */
export interface JudgedSuite {
	readonly name: string;
	readonly isolates: number;
	readonly scenarios: readonly JudgedScenario[];
	readonly elapsedMs: number;
}

const MAX_DETAIL_LENGTH = 400;

/** Returns whether a scenario has neither unexpected failures nor stale entries. */
export function matchesBaseline({ unexpected, stale }: JudgedScenario): boolean {
	return unexpected.length === 0 && stale.length === 0;
}

/** Describes what differs from the baseline, with the server's response; empty if nothing does. */
export function describeUnexpected({ name, isolates, scenarios }: JudgedSuite): string {
	const lines: string[] = [];
	for (const { scenario, unexpected, stale } of scenarios) {
		const place = `✗ ${name}, ${isolates === 1 ? '1 isolate' : `${isolates} isolates`}: ${scenario}`;
		for (const check of unexpected) {
			lines.push(`${place}: ${check.id} failed`, `    ${check.errorMessage ?? 'no message'}`);
			if (check.details !== undefined) lines.push(`    ${truncateDetails(check)}`);
		}
		for (const check of stale) {
			lines.push(
				`${place}: ${check} passes`,
				'    Its entry in baseline.json is stale: delete it.',
			);
		}
	}
	return lines.join('\n');
}

function truncateDetails({ details }: FailedCheck): string {
	const text = JSON.stringify(details);
	return text.length > MAX_DETAIL_LENGTH ? `${text.slice(0, MAX_DETAIL_LENGTH)}…` : text;
}

/** Lists the reasons of the failures that occurred as expected, with their scenarios. */
export function describeExpected(suites: readonly JudgedSuite[]): string {
	const scenariosOf = new Map<string, Set<string>>();
	for (const { scenario, expected } of suites.flatMap((suite) => suite.scenarios)) {
		for (const { reason } of expected) {
			scenariosOf.set(reason, (scenariosOf.get(reason) ?? new Set()).add(scenario));
		}
	}
	return [...scenariosOf]
		.map(([reason, scenarios]) => `~ ${[...scenarios].join(', ')}\n    ${reason}`)
		.join('\n');
}

/** Formats a table with a line for the scored scenarios of each suite and one for the unscored. */
export function table(suites: readonly JudgedSuite[]): string {
	const rows = [['suite', 'isolates', 'scenarios', 'passed', 'failed', 'as expected', 'time']];
	for (const { name, isolates, scenarios, elapsedMs } of suites) {
		const { scored = [], unscored = [] } = Object.groupBy(scenarios, ({ scored }) =>
			scored ? 'scored' : 'unscored',
		);
		rows.push([name, String(isolates), ...counts(scored), `${(elapsedMs / 1000).toFixed(1)} s`]);
		if (unscored.length > 0) {
			rows.push([`${name}, not scored`, String(isolates), ...counts(unscored), '']);
		}
	}
	const widths = rows[0]?.map((_, column) =>
		Math.max(...rows.map((row) => row[column]?.length ?? 0)),
	);
	const align = (cell: string, column: number): string => {
		const width = widths?.[column] ?? 0;
		return column === 0 ? cell.padEnd(width) : cell.padStart(width);
	};
	return rows.map((row) => row.map(align).join('  ').trimEnd()).join('\n');
}

function counts(scenarios: readonly JudgedScenario[]): string[] {
	const failed = scenarios.filter(({ failed }) => failed.length > 0);
	const expected = failed.filter(({ unexpected }) => unexpected.length === 0);
	return [scenarios.length, scenarios.length - failed.length, failed.length, expected.length].map(
		String,
	);
}
