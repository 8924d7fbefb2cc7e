import { aimsTable } from '../aims.ts';
import type { Aim } from '../aims.ts';
import { contendersIn, titleOf } from '../contenders.ts';
import { markdownTable } from '../markdown-table.ts';
import type { SessionsCase, SessionSpeeds } from './measure-sessions.ts';

/** A row for each case, and what is reached. */
export function sessionsText(speeds: SessionSpeeds): string {
	const names = contendersIn('own object');
	const table = markdownTable(
		['calls a second', ...names.map(titleOf), 'rounds'],
		speeds.map((found) => [
			inWords(found),
			...names.map((name) => found.callsPerSecond[name].toLocaleString('en')),
			String(found.rounds),
		]),
	);
	return `${table}\n\n${aimsTable('`session-object`', sessionsAims(speeds))}`;
}

/** What calls of a session object are to reach. */
export function sessionsAims(speeds: SessionSpeeds): Aim[] {
	return speeds.flatMap((found) => [
		{ what: `${inWords(found)}, to ${titleOf('mcp-agent')}`, least: 3, found: found.toMcpAgent },
		{ what: `${inWords(found)}, to the bare call`, least: 0.6, found: found.toBareCall },
	]);
}

function inWords({ sessions, connections }: SessionsCase): string {
	const plural = (count: number, what: string): string =>
		`${count} ${what}${count === 1 ? '' : 's'}`;
	return `${plural(sessions, 'session')} at ${plural(connections, 'connection')}`;
}
