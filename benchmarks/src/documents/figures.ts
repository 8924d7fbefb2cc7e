import { dollarsForAMillion } from '../comparison/prices.ts';
import { CALLS_OF_A_SESSION, dollars, sessionDollars } from '../costs/cost-table.ts';
import { IDLE_DAY } from '../operations/idle-streams.ts';
import type { FanOutResult } from '../fan-out/fan-out-text.ts';
import type { Memory } from '../memory/measure-memory.ts';
import type { Operations } from '../operations/count-operations.ts';
import { inWords } from '../operations/operations-in-words.ts';
import type { Results } from '../results.ts';
import type { Section } from './sections.ts';

/** What documents say of results in the middle of their own words. */
export function figures({ operations, memory, 'fan-out': fanOut }: Results): Section[] {
	return [
		{
			document: 'packages/session-object/README.md',
			name: 'costs',
			text: sessionObjectCosts(operations, memory),
		},
		{ document: 'docs/architecture.md', name: 'idle-session', text: idleSession(memory) },
		{ document: 'docs/scaling.md', name: 'clients', text: clientsOfStreams(fanOut) },
	];
}

function sessionObjectCosts(operations: Operations, memory: Memory): string {
	const counts = operations['session-object'];
	const call = 'tools/call, session era';
	const words = (kind: string): string => inWords(counts[kind] ?? {});
	return [
		`- \`initialize\`: ${words('initialize')}`,
		`- a call that is answered in its turn: ${words(call)}; ${dollars(dollarsForAMillion(counts[call] ?? {}))} a million`,
		`- DELETE, and the alarm that empties the object half a minute later: ${words('DELETE')}`,
		`- a million sessions of ${CALLS_OF_A_SESSION} calls: ${dollars(sessionDollars(operations, 'session-object'))}`,
		`- ${IDLE_DAY}: ${words(IDLE_DAY)}`,
		`- an idle session with a stream: ${idleSession(memory)} in SQLite`,
	].join('\n');
}

/** What SQLite takes for a session with an object of its own and a stream. */
function idleSession({ databaseBytes }: Memory): string {
	const { session = NaN, stream = NaN } = databaseBytes['session-object'] ?? {};
	return `${((session + stream) / 1024).toFixed(0)} KiB`;
}

function clientsOfStreams({ streams, sideBySide, largeStreams, large }: FanOutResult): string {
	const microseconds = (ms: number | undefined, count: number): string =>
		(((ms ?? NaN) * 1000) / count).toFixed(0);
	const few = microseconds(sideBySide['ours-http']?.all.medianMs, streams);
	const many = microseconds(large['ours-http']?.all.medianMs, largeStreams);
	return (
		`a message to all takes ${few} µs for each with ${streams.toLocaleString('en')} streams ` +
		`of one isolate, and ${many} µs with ${largeStreams.toLocaleString('en')}`
	);
}
