import { markdownTable } from '../markdown-table.ts';
import { storageInWords } from '../operations/operations-in-words.ts';
import type { Growth } from './measure-growth.ts';

/** A row for each number of sessions, and one for each number of subscribers. */
export function growthText({ rounds, sessions, subscribers }: Growth): string {
	const ofSessions = markdownTable(
		[
			'sessions',
			'KV: speed to a bare Worker',
			'a call',
			'Durable Objects: speed to a bare Worker',
			'a call',
		],
		sessions.map(({ sessions: count, toBareWorker, operations }) => [
			count.toLocaleString('en'),
			toBareWorker['growing-kv'].toFixed(2),
			storageInWords(operations['growing-kv']),
			toBareWorker['growing-object'].toFixed(2),
			storageInWords(operations['growing-object']),
		]),
	);
	const ofSubscribers = markdownTable(
		[
			'subscribers of a resource that changes',
			'KV: one is told after, ms',
			'a change',
			'Durable Objects: one is told after, ms',
			'a change',
		],
		subscribers.map(({ subscribers: count, toldMs, operations }) => [
			count.toLocaleString('en'),
			toldMs['growing-kv'].toFixed(1),
			storageInWords(operations['growing-kv']),
			toldMs['growing-object'].toFixed(1),
			storageInWords(operations['growing-object']),
		]),
	);
	return `${ofSessions}\n\n${ofSubscribers}\n\nMedians of ${rounds} rounds.`;
}
