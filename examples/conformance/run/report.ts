import type { JudgedScenario } from './baseline.ts';
import type { FailedCheck } from './run-suite.ts';

/** A suite's scenarios beside the baseline. */
export interface JudgedSuite {
	readonly name: string;
	readonly isolates: number;
	readonly scenarios: readonly JudgedScenario[];
	readonly elapsedMs: number;
}

const DETAIL_LENGTH = 400;

/** Whether everything came as the baseline has it. */
export function holds({ unexpected, stale }: JudgedScenario): boolean {
	return unexpected.length === 0 && stale.length === 0;
}

/** What did not come as the baseline has it, with what the server answered. Empty: nothing. */
export function describeSurprises({ name, isolates, scenarios }: JudgedSuite): string {
	const lines: string[] = [];
	for (const { scenario, unexpected, stale } of scenarios) {
		const place = `✗ ${name}, ${isolates === 1 ? '1 isolate' : `${isolates} isolates`}: ${scenario}`;
		for (const check of unexpected) {
			lines.push(`${place}: ${check.id} failed`, `    ${check.errorMessage ?? 'no message'}`);
			if (check.details !== undefined) lines.push(`    ${shortened(check)}`);
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

function shortened({ details }: FailedCheck): string {
	const text = JSON.stringify(details);
	return text.length > DETAIL_LENGTH ? `${text.slice(0, DETAIL_LENGTH)}…` : text;
}

/** Each reason of the baseline that was met, with the scenarios that it holds for. */
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

/** One line for the scenarios that a suite scores, and one for those that it runs besides. */
export function table(suites: readonly JudgedSuite[]): string {
	const rows = [['suite', 'isolates', 'scenarios', 'passed', 'failed', 'as expected', 'time']];
	for (const { name, isolates, scenarios, elapsedMs } of suites) {
		const { scored = [], besides = [] } = Object.groupBy(scenarios, ({ scored }) =>
			scored ? 'scored' : 'besides',
		);
		rows.push([name, String(isolates), ...counts(scored), `${(elapsedMs / 1000).toFixed(1)} s`]);
		if (besides.length > 0) {
			rows.push([`${name}, not scored`, String(isolates), ...counts(besides), '']);
		}
	}
	const widths = rows[0]?.map((_, column) =>
		Math.max(...rows.map((row) => row[column]?.length ?? 0)),
	);
	const aligned = (cell: string, column: number): string => {
		const width = widths?.[column] ?? 0;
		return column === 0 ? cell.padEnd(width) : cell.padStart(width);
	};
	return rows.map((row) => row.map(aligned).join('  ').trimEnd()).join('\n');
}

function counts(scenarios: readonly JudgedScenario[]): string[] {
	const failed = scenarios.filter((each) => each.failed.length > 0);
	const expected = failed.filter((each) => each.unexpected.length === 0);
	return [scenarios.length, scenarios.length - failed.length, failed.length, expected.length].map(
		String,
	);
}
