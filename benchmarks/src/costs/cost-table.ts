import { expiryCounts } from '../comparison/expiry-counts.ts';
import { costOfStorage, dollarsForAMillion, priceSources } from '../comparison/prices.ts';
import { contendersIn, keepsSessions, titleOf } from '../contenders.ts';
import type { ContenderIn } from '../contenders.ts';
import { markdownTable } from '../markdown-table.ts';
import type { Memory } from '../memory/measure-memory.ts';
import type { Operations } from '../operations/count-operations.ts';
import { IDLE_DAY, LOOK } from '../operations/idle-streams.ts';
import { addCounts } from '../operations/operation-counts.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { inWords } from '../operations/operations-in-words.ts';

type Priced = ContenderIn<'costs'>;

/** How many calls a session has whose price is given. */
export const CALLS_OF_A_SESSION = 10;
const IDLE_STREAMS = 10_000;
const DAYS_OF_A_MONTH = 30;
/** A session that lives for 24 hours without use is looked at each 18 hours. */
const LOOKS_OF_A_MONTH = 40;
/** `initialize`, `notifications/initialized`, the calls and DELETE: what each contender is asked. */
const REQUESTS_OF_A_SESSION = CALLS_OF_A_SESSION + 3;

/** What storage and objects cost, a row for each contender. */
export function costTable(
	operations: Operations,
	{ databaseBytes }: Pick<Memory, 'databaseBytes'>,
): string {
	const upstream = sessionDollars(operations, 'upstream');
	const table = markdownTable(
		[
			'storage and objects, in dollars',
			'a tool call',
			'a million tool calls',
			`a million sessions of ${CALLS_OF_A_SESSION} calls`,
			'to upstream',
			`${IDLE_STREAMS.toLocaleString('en')} idle streams for a month`,
		],
		contendersIn('costs').map((name) => {
			const session = sessionDollars(operations, name);
			return [
				titleOf(name),
				inWords(countsOf(operations, name, 'tools/call, session era')),
				dollars(dollarsForAMillion(countsOf(operations, name, 'tools/call, session era'))),
				dollars(session),
				(session / upstream).toFixed(2),
				keepsSessions(name) ? dollars(idleDollars(operations, name, databaseBytes)) : 'has none',
			];
		}),
	);
	return `${table}\n\n${notes()}`;
}

/** A million sessions from `initialize` to DELETE, and what removes them later. */
export function sessionDollars(operations: Operations, name: Priced): number {
	const call = countsOf(operations, name, 'tools/call, session era');
	const counts = addCounts(
		...opening(operations, name),
		...Array.from({ length: CALLS_OF_A_SESSION }, () => call),
		countsOf(operations, name, 'DELETE'),
		...expiry(operations, name),
	);
	return dollarsForAMillion(counts);
}

/** Opened once, and then what is stored and what an idle day costs: no heartbeat reaches an object. */
function idleDollars(
	operations: Operations,
	name: Priced,
	databaseBytes: Memory['databaseBytes'],
): number {
	const counts = addCounts(
		...opening(operations, name),
		countsOf(operations, name, 'GET stream opened'),
		...Array.from({ length: DAYS_OF_A_MONTH }, () => countsOf(operations, name, IDLE_DAY)),
		...Array.from({ length: LOOKS_OF_A_MONTH }, () => countsOf(operations, name, LOOK)),
	);
	const { session = 0, stream = 0 } = databaseBytes[name] ?? {};
	return (
		(dollarsForAMillion(counts) * IDLE_STREAMS) / 1e6 +
		costOfStorage((session + stream) * IDLE_STREAMS)
	);
}

function opening(operations: Operations, name: Priced): OperationCounts[] {
	return [
		countsOf(operations, name, 'initialize'),
		countsOf(operations, name, 'notifications/initialized'),
	];
}

function expiry(operations: Operations, name: Priced): OperationCounts[] {
	return countsOf(operations, name, 'initialize').shardWrites ? [expiryCounts()] : [];
}

/** Nothing, where a contender has no such request. */
function countsOf(operations: Operations, name: Priced, kind: string): OperationCounts {
	return operations[name][kind] ?? {};
}

function notes(): string {
	return [
		`Prices of November 2026, on Cloudflare's paid plan beyond what is included and of Upstash as you go: ${priceSources().join(', ')}.`,
		`Left out, since it is the same for all: requests to the Worker, ${REQUESTS_OF_A_SESSION} for a session, at $0.30 a million; and its CPU time.`,
		'Left out too: the duration of objects at work, milliseconds for each request, which hibernation ends; every contender hibernates. With `session-object` and `McpAgent` a tool runs in the object, so that its own time is in that duration.',
		'Where a session is stored, `http` looks at it each 18 hours while its stream is open, so that it lives on. An alarm is a request; an idle `session-object` has one a day, which looks whether its stream is still there. Emptying an object at its end is one call, and is taken for free, since the price list does not name it.',
		'WebSocket messages into an object count a twentieth of a request, those out of it nothing.',
		'The handlers without sessions keep nothing, and have neither streams nor log levels nor subscriptions for clients of the session era.',
	].join(' ');
}

/** An amount as it is printed. */
export function dollars(amount: number): string {
	return `$${amount.toFixed(2)}`;
}
