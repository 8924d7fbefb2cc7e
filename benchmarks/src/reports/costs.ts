import { contendersIn, hasSessions, titleOf } from '../contenders.ts';
import type { Contender, ContenderIn } from '../contenders.ts';
import type { DatabaseBytes } from '../measurements/memory.ts';
import { IDLE_DAY, KEEP_ALIVE, SESSION_CALL } from '../operations/count-operations.ts';
import type { Operations } from '../operations/count-operations.ts';
import type { RedisOperations } from '../operations/count-redis.ts';
import { addCounts, describeCounts, describeStorage, times } from '../operations/counts.ts';
import type { OperationCounts } from '../operations/counts.ts';
import { table } from './markdown.ts';
import { idleUpstashDollars, tcpCall, upstashPair } from './redis.ts';
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
const NOTES = [
	`Prices of November 2026, beyond the included amounts of Cloudflare's paid plan, and Upstash's pay as you go: ${priceSources.map((source) => `<${source}>`).join(', ')}.`,
	// `initialize`, `notifications/initialized`, the calls and DELETE.
	`Requests to the Worker, ${CALLS_PER_SESSION + 3} for each session at $0.30 a million, and its CPU time are left out because they are the same for all.`,
	'The duration of objects is left out too: a request takes milliseconds, and every contender hibernates afterwards. With `session-object` and `McpAgent` a tool runs in the object, so its own time is part of that duration.',
	'`http` extends a stored session every 18 hours while its stream is open. An alarm is billed as a request; an idle `session-object` has one a day, which checks whether its stream is still open. The price list does not name `deleteAll`, which empties an object, so it counts as free.',
	'A WebSocket message to an object is billed as a twentieth of a request, a message from an object not at all.',
	'Upstash alone and Redis over TCP are processes of Node.js, Bun, Deno or Vercel without Durable Objects. A server of Redis is billed by its size, not by commands.',
	'The handlers without sessions store nothing, and offer session-based clients neither streams nor log levels nor subscriptions.',
];

/** The prices of storage and objects, a row for each contender. */
export function costTable(
	operations: Operations,
	bytes: Partial<Record<Contender, DatabaseBytes>>,
	redis: RedisOperations,
): string {
	const upstream = sessionDollars(operations, 'upstream');
	const upstash = upstashPair(redis, operations);
	const upstashSession = dollarsPerMillion(sessionCounts(upstash));
	const elsewhere = [
		[
			'Upstash alone, streams included',
			describeStorage(upstash[SESSION_CALL] ?? {}),
			formatDollars(dollarsPerMillion(upstash[SESSION_CALL] ?? {})),
			formatDollars(upstashSession),
			(upstashSession / upstream).toFixed(2),
			formatDollars(idleUpstashDollars(upstash)),
		],
		[
			'Redis over TCP, streams included',
			tcpCall(redis),
			'that of the server',
			'that of the server',
			'',
			'that of the server',
		],
	];
	const costs = table(
		`storage and objects, in dollars | a tool call | a million tool calls | a million sessions of ${CALLS_PER_SESSION} calls | to upstream | ${IDLE_STREAMS.toLocaleString('en')} idle streams for a month`,
		[
			...contendersIn('costs').map((name) => {
				const session = sessionDollars(operations, name);
				const call = operations[name][SESSION_CALL] ?? {};
				return [
					titleOf(name),
					describeCounts(call),
					formatDollars(dollarsPerMillion(call)),
					formatDollars(session),
					(session / upstream).toFixed(2),
					hasSessions(name)
						? formatDollars(idleDollars(operations[name], bytes[name]))
						: 'has none',
				];
			}),
			...elsewhere,
		],
	);
	return `${costs}\n\n${NOTES.join(' ')}`;
}

/** Returns the price of a million sessions from `initialize` to DELETE and the removal of their rows. */
export function sessionDollars(operations: Operations, name: Priced): number {
	return dollarsPerMillion(sessionCounts(operations[name]));
}

/** Returns the operations of a session from `initialize` to DELETE and the removal of its rows. */
export function sessionCounts(counts: Readonly<Record<string, OperationCounts>>): OperationCounts {
	return addCounts(
		openingCounts(counts),
		times(CALLS_PER_SESSION, counts[SESSION_CALL] ?? {}),
		counts['DELETE'] ?? {},
		counts['initialize']?.shardWrites ? expiryCounts() : {},
	);
}

/** Opens each stream once, stores its session and pays for idle days. No keep-alive frame reaches an object. */
function idleDollars(
	counts: Operations[Priced],
	{ session, stream } = { session: 0, stream: 0 },
): number {
	const month = addCounts(
		openingCounts(counts),
		counts['GET stream'] ?? {},
		times(DAYS_PER_MONTH, counts[IDLE_DAY] ?? {}),
		times(KEEP_ALIVES_PER_MONTH, counts[KEEP_ALIVE] ?? {}),
	);
	const stored = storageDollars((session + stream) * IDLE_STREAMS);
	return (dollarsPerMillion(month) * IDLE_STREAMS) / 1e6 + stored;
}

function openingCounts(counts: Readonly<Record<string, OperationCounts>>): OperationCounts {
	return addCounts(counts['initialize'] ?? {}, counts['notifications/initialized'] ?? {});
}
