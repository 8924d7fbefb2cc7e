import { reasonOf } from '@tmcp-sessions/core/backend';
import type { RedisConnection, RedisReply } from './redis-connection.ts';

/** The response to one command. */
export type RestReply = { readonly result: RestValue } | { readonly error: string };
type RestValue = null | number | string | readonly RestValue[];

/** The encoding of text in responses: `base64` if the request has `Upstash-Encoding: base64`. */
export type RestEncoding = 'base64' | 'utf8';

/** Commands that block a connection or change its state: here, all requests share one. */
const UNAVAILABLE = new Set(
	(
		'AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT DISCARD EXEC HELLO ' +
		'MONITOR MULTI PSUBSCRIBE QUIT RESET SELECT SHUTDOWN SSUBSCRIBE SUBSCRIBE UNWATCH WAIT WATCH'
	).split(' '),
);

/** Parses a command of a request. Returns `undefined` if it is invalid. */
export function parseCommand(given: unknown): string[] | undefined {
	if (!Array.isArray(given) || given.length === 0) return undefined;
	const isScalar = (part: unknown): boolean =>
		['string', 'number', 'boolean'].includes(typeof part);
	return given.every(isScalar) ? given.map(String) : undefined;
}

/** Runs a command. An error of Redis is part of the result. */
export async function runCommand(
	redis: RedisConnection,
	command: readonly string[],
	encoding: RestEncoding,
): Promise<RestReply> {
	const rejection = rejectionOf(command);
	if (rejection !== undefined) return { error: rejection };
	try {
		return reply(await redis.send(command), encoding);
	} catch (error) {
		return { error: reasonOf(error) };
	}
}

/** Runs commands as one transaction. Returns a single error if Redis rejects the transaction. */
export async function runTransaction(
	redis: RedisConnection,
	commands: readonly (readonly string[])[],
	encoding: RestEncoding,
): Promise<RestReply[] | { readonly error: string }> {
	const rejection = commands.map(rejectionOf).find((each) => each !== undefined);
	if (rejection !== undefined) return { error: rejection };
	// Sent in one turn: no command of another request may come between them.
	const sent = [['MULTI'], ...commands, ['EXEC']].map((each) => redis.send(each));
	const outcomes = await Promise.allSettled(sent);
	const failed = outcomes.find((outcome) => outcome.status === 'rejected');
	if (failed) return { error: reasonOf(failed.reason) };
	// Safe because EXEC replies with a list if every command was queued.
	const replies = (await sent.at(-1)) as readonly RedisReply[];
	return replies.map((each) => reply(each, encoding));
}

function rejectionOf([name = '']: readonly string[]): string | undefined {
	return UNAVAILABLE.has(name.toUpperCase())
		? `ERR Command is not available: '${name.toUpperCase()}'`
		: undefined;
}

function reply(value: RedisReply, encoding: RestEncoding): RestReply {
	return value instanceof Error ? { error: value.message } : { result: toJson(value, encoding) };
}

function toJson(value: RedisReply, encoding: RestEncoding): RestValue {
	if (value === null || typeof value === 'number') return value;
	if (value instanceof Error) return value.message;
	if (Buffer.isBuffer(value)) return value.toString(encoding);
	if (typeof value !== 'string') return value.map((each) => toJson(each, encoding));
	// Upstash encodes every string but this one.
	return value === 'OK' ? value : Buffer.from(value).toString(encoding);
}
