import type { TaskKind, TaskOperations } from '../operations/count-tasks.ts';
import { addCounts, describeCounts, times } from '../operations/counts.ts';
import type { OperationCounts } from '../operations/counts.ts';
import { table } from './markdown.ts';
import { dollarsPerMillion, durationDollars, formatDollars } from './prices.ts';

const TITLES: Readonly<Record<TaskKind, string>> = {
	ended: 'a call that becomes a task, to its result',
	steps: 'five steps, in addition',
	status: 'each status message',
	question: 'each question and its response',
	polled: 'each poll',
	expired: 'the expiry of the task',
	listed: 'a principal, with the expiry',
};
const MINUTES = 5;
const POLL_SECONDS = 5;
const POLLS = (MINUTES * 60) / POLL_SECONDS;
const WHOLE = `a task of ${MINUTES} minutes with five steps, polled every ${POLL_SECONDS} s, and its expiry`;

/** Formats the operations of tasks, and what they cost. */
export function taskTables({ growth, kinds }: TaskOperations): string {
	const row = (title: string, counts: OperationCounts): string[] => [
		title,
		describeCounts(counts),
		formatDollars(dollarsPerMillion(counts)),
	];
	// Safe because the keys are those of the literal above.
	const rows = (Object.keys(TITLES) as TaskKind[]).map((kind) => row(TITLES[kind], kinds[kind]));
	const polls = times(POLLS, kinds.polled);
	rows.push(row(WHOLE, addCounts(kinds.ended, kinds.steps, polls, kinds.expired)));
	rows.push([
		`the memory of an object that works for ${MINUTES} minutes`,
		'none',
		formatDollars(durationDollars(MINUTES * 60) * 1e6),
	]);
	const many = growth.map(({ bytes, poll, start, tasks }) => [
		tasks.toLocaleString('en'),
		describeCounts(start),
		describeCounts(poll),
		`${(bytes / 1024).toLocaleString('en', { maximumFractionDigits: 0 })} KiB`,
	]);
	return [
		table('of a task | operations | a million of them', rows),
		table('tasks in flight | one more call | a poll | stored by all', many),
	].join('\n\n');
}
