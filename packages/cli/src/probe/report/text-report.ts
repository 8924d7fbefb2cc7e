import { paint, printLine } from '../../command/terminal.ts';
import type { Colour, Terminal } from '../../command/terminal.ts';
import type { CheckResult, ProbeReport } from '../run-probe.ts';

const NAME_WIDTH = 27;
const MARKS: Readonly<Record<CheckResult['status'], readonly [mark: string, colour: Colour]>> = {
	passed: ['✓', 'green'],
	warned: ['!', 'yellow'],
	failed: ['✗', 'red'],
	skipped: ['-', 'gray'],
};

/** Prints a finding as soon as it is known. */
export function printResult(terminal: Terminal, result: CheckResult): void {
	const { cause, check, fix, message, specification, status } = result;
	const [mark, colour] = MARKS[status];
	const text = status === 'skipped' ? `skipped: ${message}` : message;
	printLine(terminal, `${paint(terminal, colour, mark)} ${check.padEnd(NAME_WIDTH)} ${text}`);
	if (status === 'passed' || status === 'skipped') return;
	if (cause !== undefined) printLine(terminal, `    why: ${cause}`);
	if (fix !== undefined) printLine(terminal, `    fix: ${fix}`);
	if (specification !== undefined) printLine(terminal, `    see: ${specification}`);
}

/** Returns the last line of a report: "1 failed, 9 passed, 4 skipped in 5.2 s". */
export function summaryOf({ durationMs, results }: ProbeReport): string {
	const counts = (['failed', 'warned', 'passed', 'skipped'] as const).flatMap((status) => {
		const count = results.filter((result) => result.status === status).length;
		return count > 0 ? [`${count} ${status}`] : [];
	});
	return `${counts.join(', ')} in ${(durationMs / 1_000).toFixed(1)} s`;
}
