import { IDLE_DAY, KEEP_ALIVE, SESSION_CALL } from '../operations/count-operations.ts';
import type { Operations } from '../operations/count-operations.ts';
import { CLOSE_STREAM, HELD_STREAMS, RESUME } from '../operations/count-redis.ts';
import type { RedisOperations } from '../operations/count-redis.ts';
import type { RedisClientName } from '../redis/redis-server.ts';
import { addCounts, describeStorage } from '../operations/counts.ts';
import type { OperationCounts } from '../operations/counts.ts';
import { table } from './markdown.ts';
import { dollarsPerMillion, formatDollars } from './prices.ts';

const HOURS_PER_DAY = 24;
const HOURS_PER_MONTH = 30 * HOURS_PER_DAY;
/** An idle session lives for 24 hours and is kept alive after 18 of them. */
const KEEP_ALIVES_PER_MONTH = 40;
/** A stream on Vercel, whose requests end after 300 seconds. */
const VERCEL_STREAM_SECONDS = 290;
const STREAMS = 10_000;

/** The commands of each kind of request, and of an idle stream. */
export function redisTables({ all }: RedisOperations): string {
	const kinds = Object.keys(all.tcp).filter((kind) => kind !== IDLE_DAY);
	const requests = table(
		'request, commands of Redis | Redis over TCP | Upstash | a million over Upstash',
		kinds.map((kind) => {
			const { [kind]: upstash } = all.upstash;
			return [
				kind,
				describeStorage(all.tcp[kind] ?? {}),
				upstash ? describeStorage(upstash) : '',
				upstash ? formatDollars(dollarsPerMillion(upstash)) : '',
			];
		}),
	);
	const idle = table(
		`commands of an idle stream for each hour, in a process with ${HELD_STREAMS.toLocaleString('en')} of them | Redis over TCP | Upstash | ${STREAMS.toLocaleString('en')} streams for a month over Upstash`,
		(
			[
				['open all the time', streamHour],
				[`ended after ${VERCEL_STREAM_SECONDS} seconds and resumed, as on Vercel`, reopenedHour],
			] as const
		).map(([title, commandsOf]) => [
			title,
			commandsOf(all.tcp).toFixed(2),
			commandsOf(all.upstash).toFixed(2),
			formatDollars(monthDollars(commandsOf(all.upstash))),
		]),
	);
	return `${requests}\n\n${idle}`;
}

/** The streams of both clients, a row for each. */
export function redisStreamsTable({ all }: RedisOperations): string {
	const clients: readonly (readonly [string, RedisClientName])[] = [
		['Redis over TCP', 'tcp'],
		['Upstash', 'upstash'],
	];
	const columns: Readonly<Record<string, string>> = {
		'an open': 'GET stream',
		'a resume': RESUME,
		'a message to 10 sessions': 'message to 10 of 10,000 streams',
		'a message to all, for any number of streams': 'message to all of 10,000 streams, in 1 process',
		'a stateless subscription': 'subscriptions/listen',
		'storing a task': 'task, store alone: create',
	};
	return table(
		`commands, streams over | ${Object.keys(columns).join(' | ')} | an idle stream for an hour`,
		clients.map(([title, name]) => [
			title,
			...Object.values(columns).map((kind) => commandsOf(all[name][kind])),
			streamHour(all[name]).toFixed(2),
		]),
	);
}

/** The counts of a pair for the table of costs: `KEEP_ALIVE` is counted with another one. */
export function upstashPair(
	{ all }: RedisOperations,
	operations: Operations,
): Record<string, OperationCounts> {
	return { ...all.upstash, [KEEP_ALIVE]: operations['ours-upstash'][KEEP_ALIVE] ?? {} };
}

/** The price of idle streams: opened once, then renewed and their sessions kept alive. */
export function idleUpstashDollars(counts: Readonly<Record<string, OperationCounts>>): number {
	const once = addCounts(
		counts['initialize'] ?? {},
		counts['notifications/initialized'] ?? {},
		counts['GET stream'] ?? {},
	);
	const alive = (counts[KEEP_ALIVE]?.redisCommands ?? 0) * KEEP_ALIVES_PER_MONTH;
	const month = (once.redisCommands ?? 0) + alive + streamHour(counts) * HOURS_PER_MONTH;
	return (dollarsPerMillion({ redisCommands: month }) * STREAMS) / 1e6;
}

/** What a call costs over TCP. */
export function tcpCall({ all }: RedisOperations): string {
	return describeStorage(all.tcp[SESSION_CALL] ?? {});
}

function commandsOf(counts: OperationCounts = {}): string {
	return String(counts.redisCommands ?? 0);
}

function streamHour(counts: Readonly<Record<string, OperationCounts>>): number {
	return (counts[IDLE_DAY]?.redisCommands ?? NaN) / HOURS_PER_DAY;
}

function reopenedHour(counts: Readonly<Record<string, OperationCounts>>): number {
	const { redisCommands = NaN } = addCounts(counts[CLOSE_STREAM] ?? {}, counts[RESUME] ?? {});
	return (3_600 / VERCEL_STREAM_SECONDS) * redisCommands;
}

function monthDollars(commandsPerHour: number): number {
	const redisCommands = commandsPerHour * HOURS_PER_MONTH;
	return (dollarsPerMillion({ redisCommands }) * STREAMS) / 1e6;
}
