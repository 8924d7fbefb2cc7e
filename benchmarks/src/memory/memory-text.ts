import { titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { markdownTable } from '../markdown-table.ts';
import type { Memory } from './measure-memory.ts';

/** A row for each contender: what an idle stream holds, and what is stored of an idle session. */
export function memoryText({ streams, sessions, streamBytes, databaseBytes }: Memory): string {
	const bare = streamBytes['memory-bare']?.inMemory ?? NaN;
	const held = markdownTable(
		[
			`KiB of workerd for each of ${streams.toLocaleString('en')} idle streams`,
			'in all',
			'objects hibernated',
			'of it the object and its socket',
		],
		contenders(streamBytes).map(([name, { inMemory, hibernated }]) => [
			titleOf(name),
			kib(inMemory),
			hibernated === null ? '' : kib(hibernated),
			// Around the same transport with its streams in memory.
			name === 'ours-bare' || name === 'upstream-kept-alive' ? kib((hibernated ?? NaN) - bare) : '',
		]),
	);
	const stored = markdownTable(
		[
			`bytes of SQLite for each of ${sessions.toLocaleString('en')} idle sessions`,
			'a session',
			'its stream besides',
		],
		contenders(databaseBytes).map(([name, { session, stream }]) => [
			titleOf(name),
			session.toLocaleString('en'),
			stream.toLocaleString('en'),
		]),
	);
	return `${held}\n\n${stored}`;
}

function contenders<Value>(of: Partial<Record<Contender, Value>>): [Contender, Value][] {
	// Sound: the keys are contenders, and none is set to undefined.
	return Object.entries(of) as [Contender, Value][];
}

function kib(bytes: number): string {
	return (bytes / 1024).toFixed(0);
}
