import { titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { markdownTable } from '../markdown-table.ts';
import type { Resumptions } from './measure-resume.ts';

/** A row for each contender. */
export function resumeText(found: Resumptions): string {
	return markdownTable(
		[
			'a client that comes back after a drop',
			'is answered',
			'gets of what it missed',
			'time to the last of it, to opening a stream',
		],
		Object.entries(found).map(([name, { statuses, received, medianMs, openMs }]) => [
			// Sound: the keys are contenders.
			titleOf(name as Contender),
			statuses,
			`${(received * 100).toFixed(0)} %`,
			medianMs === null ? '' : (medianMs / openMs).toFixed(1),
		]),
	);
}
