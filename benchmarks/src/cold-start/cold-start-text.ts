import { titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { markdownTable } from '../markdown-table.ts';
import type { ColdStarts } from './measure-cold-start.ts';

/** A row for each contender. */
export function coldStartText(found: ColdStarts): string {
	const bare = found['bare-worker']?.medianMs ?? NaN;
	return markdownTable(
		['cold start', 'bundle, KiB gzip', 'new isolate to first answer, to a bare Worker'],
		Object.entries(found).map(([name, { gzipBytes, medianMs }]) => [
			// Sound: the keys are contenders.
			titleOf(name as Contender),
			(gzipBytes / 1024).toFixed(1),
			(medianMs / bare).toFixed(1),
		]),
	);
}
