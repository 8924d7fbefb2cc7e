import { contenders, contendersIn, titleOf } from '../contenders.ts';
import type { ContenderIn } from '../contenders.ts';
import type { Memory } from '../measurements/memory.ts';
import { SESSION_CALL } from '../operations/count-operations.ts';
import type { Operations } from '../operations/count-operations.ts';
import { IDLE_DAY, KEEP_ALIVE } from '../operations/idle-sessions.ts';
import { addCounts, describeCounts } from '../operations/operation-counts.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { table } from './markdown.ts';
import {
	dollarsPerMillion,
	expiryCounts,
	formatDollars,
	priceSources,
	storageDollars,
} from './prices.ts';

type Priced = ContenderIn<'costs'>;

/** The number of calls of a priced session. */
export const CALLS_PER_SESSION = 10;
const IDLE_STREAMS = 10_000;
const DAYS_PER_MONTH = 30;
/** An idle session lives for 24 hours and is kept alive after 18 of them. */
const KEEP_ALIVES_PER_MONTH = 40;
/** `initialize`, `notifications/initialized`, the calls and DELETE. */
const REQUESTS_PER_SESSION = CALLS_PER_SESSION + 3;

/** The prices of storage and objects, a row for each contender. */
export function costTable(
	operations: Operations,
	{ databaseBytes }: Pick<Memory, 'databaseBytes'>,
): string {
	const upstream = sessionDollars(operations, 'upstream');
	const costs = table(
		[
			'storage and objects, in dollars',
			'a tool call',
			'a million tool calls',
			`a million sessions of ${CALLS_PER_SESSION} calls`,
			'to upstream',
			`${IDLE_STREAMS.toLocaleString('en')} idle streams for a month`,
		],
		contendersIn('costs').map((name) => {
			const session = sessionDollars(operations, name);
			const call = countsOf(operations, name, SESSION_CALL);
			return [
				titleOf(name),
				describeCounts(call),
				formatDollars(dollarsPerMillion(call)),
				formatDollars(session),
				(session / upstream).toFixed(2),
				contenders[name].hasSessions
					? formatDollars(idleDollars(operations, name, databaseBytes))
					: 'has none',
			];
		}),
	);
	return `${costs}\n\n${notes()}`;
}

/** Returns the price of a million sessions from `initialize` to DELETE and the removal of their rows. */
export function sessionDollars(operations: Operations, name: Priced): number {
	return dollarsPerMillion(sessionCounts(operations[name]));
}

/** Returns the operations of a session from `initialize` to DELETE and the removal of its rows. */
export function sessionCounts(counts: Operations[Priced]): OperationCounts {
	const of = (kind: string): OperationCounts => counts[kind] ?? {};
	return addCounts(
		of('initialize'),
		of('notifications/initialized'),
		...Array.from({ length: CALLS_PER_SESSION }, () => of(SESSION_CALL)),
		of('DELETE'),
		...(of('initialize').shardWrites ? [expiryCounts()] : []),
	);
}

/** Opens each stream once, stores its session and pays for idle days. No keep-alive frame reaches an object. */
function idleDollars(
	operations: Operations,
	name: Priced,
	databaseBytes: Memory['databaseBytes'],
): number {
	const times = (count: number, kind: string): OperationCounts[] =>
		Array.from({ length: count }, () => countsOf(operations, name, kind));
	const counts = addCounts(
		...openingCounts(operations, name),
		countsOf(operations, name, 'GET stream'),
		...times(DAYS_PER_MONTH, IDLE_DAY),
		...times(KEEP_ALIVES_PER_MONTH, KEEP_ALIVE),
	);
	const { session = 0, stream = 0 } = databaseBytes[name] ?? {};
	return (
		(dollarsPerMillion(counts) * IDLE_STREAMS) / 1e6 +
		storageDollars((session + stream) * IDLE_STREAMS)
	);
}

function openingCounts(operations: Operations, name: Priced): OperationCounts[] {
	return [
		countsOf(operations, name, 'initialize'),
		countsOf(operations, name, 'notifications/initialized'),
	];
}

/** Returns no operations if a contender has no such request. */
function countsOf(operations: Operations, name: Priced, kind: string): OperationCounts {
	return operations[name][kind] ?? {};
}

function notes(): string {
	return [
		`Prices of November 2026, beyond the included amounts of Cloudflare's paid plan, and Upstash's pay as you go: ${priceSources().join(', ')}.`,
		`Requests to the Worker, ${REQUESTS_PER_SESSION} for each session at $0.30 a million, and its CPU time are left out because they are the same for all.`,
		'The duration of objects is left out too: a request takes milliseconds, and every contender hibernates afterwards. With `session-object` and `McpAgent` a tool runs in the object, so its own time is part of that duration.',
		'`http` extends a stored session every 18 hours while its stream is open. An alarm is billed as a request; an idle `session-object` has one a day, which checks whether its stream is still open. The price list does not name `deleteAll`, which empties an object, so it counts as free.',
		'A WebSocket message to an object is billed as a twentieth of a request, a message from an object not at all.',
		'The handlers without sessions store nothing, and offer session-based clients neither streams nor log levels nor subscriptions.',
	].join(' ');
}
