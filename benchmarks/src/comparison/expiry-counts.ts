import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OperationCounts } from '../operations/operation-counts.ts';

const readme = join(import.meta.dirname, '../../../packages/info-durable-object/README.md');
const row = /^\| removing a session that expired +\| 0 +\| (\d+) +\| (\d+) +\|$/m;

/**
 * What a shard's alarm does to remove a session when its time is over, ended or not. It comes a day
 * later, so it is not counted here but taken from the package's README, which its tests compare with
 * a count. The request of the alarm, one for up to 100 sessions, is left out.
 *
 * @throws where the README has no such row.
 */
export function expiryCounts(): OperationCounts {
	const [, rowsRead, rowsWritten] = row.exec(readFileSync(readme, 'utf8')) ?? [];
	if (!rowsRead || !rowsWritten) throw new Error(`expected a row like ${row.source} in ${readme}`);
	return { rowsRead: Number(rowsRead), rowsWritten: Number(rowsWritten) };
}
