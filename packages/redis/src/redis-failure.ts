import { reasonOf } from '@tmcp-sessions/core/backend';

/** Thrown if Redis did not answer in time. */
export class RedisTimeoutError extends Error {
	override readonly name = 'RedisTimeoutError';
	constructor(timeoutMs: number) {
		super(`no response within ${timeoutMs} ms`);
	}
}

/** Thrown if a connection cannot be opened or was lost before the response arrived. */
export class RedisConnectionError extends Error {
	override readonly name = 'RedisConnectionError';
}

/** What an error code of Redis means to an operator. */
const ADVICE: readonly (readonly [code: RegExp, advice: string])[] = [
	[
		/^(?:WRONGPASS|NOAUTH)\b|unauthorized|invalid (?:username-password|password)/i,
		'Redis rejected the credentials. Check the user and password, or the token, of the connection',
	],
	[
		/^NOPERM\b/,
		'the user may not run this command. Allow scripts, publishing and the channels of the prefix; a read-only token is not enough',
	],
	[/^READONLY\b/, 'this Redis is a read-only replica. Connect to the primary'],
	[
		/^(?:OOM|-OOM)\b|\bOOM command not allowed/,
		'Redis is out of memory. Raise maxmemory, or store less',
	],
	[
		/^CROSSSLOT\b|\bCROSSSLOT\b|non local key/,
		'the keys belong to several slots of a cluster. Use a prefix with a hash tag, such as {tmcp}:',
	],
	[/^(?:MOVED|ASK)\b/, 'this Redis is a cluster. Pass its nodes as a list to connectRedis'],
];

/** Error codes with which a Redis that is failing over or starting answers. */
const TRANSIENT = /^(?:READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|UNBLOCKED|BUSY)\b/;

/**
 * Describes why an operation failed, in words that are safe to log: without the URL, which may contain a
 * password, and without the command.
 */
export function redisFailure(cause: unknown): string {
	const [words = ''] = reasonOf(cause).split(', command was:');
	const safe = words
		.replaceAll(/\b(?:rediss?|https?):\/\/\S+/gi, '<url>')
		.replaceAll(/\bBearer\s[^"\s]+/g, '<token>');
	const advice = ADVICE.find(([code]) => code.test(safe))?.[1];
	return advice === undefined ? safe : `${advice} (${firstLine(safe)})`;
}

/** Whether the operation may succeed if it is tried again soon: the connection was lost, or Redis fails over. */
export function isConnectionLoss(cause: unknown): boolean {
	return cause instanceof RedisConnectionError || TRANSIENT.test(reasonOf(cause));
}

function firstLine(text: string): string {
	return text.split('\n', 1)[0] ?? '';
}
