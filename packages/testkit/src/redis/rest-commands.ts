import { reasonOf } from '@tmcp-sessions/core/backend';
import type { RedisConnection, RedisReply } from './redis-connection.ts';

/** What the service answers for one command. */
export type RestReply = { readonly result: RestValue } | { readonly error: string };
type RestValue = null | number | string | readonly RestValue[];

/** `base64` is what a request asks for with `Upstash-Encoding: base64`. */
export type RestEncoding = 'base64' | 'utf8';

/** Commands that change the state of a connection, which many requests share here, or wait on it. */
const REFUSED = new Set(
	(
		'AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT DISCARD EXEC HELLO ' +
		'MONITOR MULTI PSUBSCRIBE QUIT RESET SELECT SHUTDOWN SSUBSCRIBE SUBSCRIBE UNWATCH WAIT WATCH'
	).split(' '),
);

/** A command as it came in, checked: `undefined` where it is none. */
export function parseCommand(given: unknown): string[] | undefined {
	if (!Array.isArray(given) || given.length === 0) return undefined;
	const isScalar = (part: unknown): boolean =>
		['string', 'number', 'boolean'].includes(typeof part);
	return given.every(isScalar) ? given.map(String) : undefined;
}

/** Runs a command; an error of Redis is an answer. */
export async function runCommand(
	redis: RedisConnection,
	command: readonly string[],
	encoding: RestEncoding,
): Promise<RestReply> {
	const refusal = refusalOf(command);
	if (refusal !== undefined) return { error: refusal };
	try {
		return reply(await redis.send(command), encoding);
	} catch (error) {
		return { error: reasonOf(error) };
	}
}

/** Runs commands as one transaction, in which no other command comes between; one error where none ran. */
export async function runTransaction(
	redis: RedisConnection,
	commands: readonly (readonly string[])[],
	encoding: RestEncoding,
): Promise<RestReply[] | { readonly error: string }> {
	const refusal = commands.map(refusalOf).find((each) => each !== undefined);
	if (refusal !== undefined) return { error: refusal };
	// Sent in one turn, so that nothing of another request comes in between.
	const sent = [['MULTI'], ...commands, ['EXEC']].map((each) => redis.send(each));
	const answers = await Promise.allSettled(sent);
	const failed = answers.find((answer) => answer.status === 'rejected');
	if (failed) return { error: reasonOf(failed.reason) };
	// Sound: EXEC answers with a list where every command was queued.
	const replies = (await sent.at(-1)) as readonly RedisReply[];
	return replies.map((each) => reply(each, encoding));
}

function refusalOf([name = '']: readonly string[]): string | undefined {
	return REFUSED.has(name.toUpperCase())
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
	// Of all strings this one alone goes as it is.
	return value === 'OK' ? value : Buffer.from(value).toString(encoding);
}
