import type { ErrorReporter } from '@tmcp-sessions/core';
import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { LogBounds, OptionNames } from '@tmcp-sessions/core/internal';
import type { RedisConnection } from '@tmcp-sessions/redis';

import { PACKAGE } from './package-name.ts';

/** The prefix of all keys. Its hash tag puts them into one slot of a cluster. */
const DEFAULT_PREFIX = '{tmcp}:';

/** The bounds of the log of a session, and of the log of messages to all sessions. */
export const DEFAULT_BOUNDS: LogBounds = {
	messages: 1_000,
	bytes: 1024 * 1024,
	ageMs: 10 * 60 * 1_000,
};

/** Options of both managers. */
export interface RedisManagerOptions {
	/**
	 * The prefix of all keys and channels. Deployments with different prefixes share nothing. On a cluster it
	 * contains a hash tag. Default: `{tmcp}:`.
	 */
	readonly prefix?: string | undefined;
	/**
	 * After how many seconds a stream ends, so that its client opens it again: a little less than a platform
	 * allows a request to last. Default: never.
	 */
	readonly maxStreamSeconds?: number | undefined;
	/** Receives failures and gaps. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}

/** The names of the options of both managers. */
export const REDIS_MANAGER_OPTIONS: OptionNames<RedisManagerOptions> = {
	prefix: 1,
	maxStreamSeconds: 1,
	onError: 1,
};

/**
 * Returns the prefix of an option.
 *
 * @throws {TmcpSessionsError} `configuration`, if it contains anything but printable ASCII, or has no hash
 * tag although the Redis is a cluster.
 */
export function prefixOf(redis: RedisConnection, prefix: string = DEFAULT_PREFIX): string {
	if (redis.publishCommand === 'SPUBLISH' && !/^[^{]*\{[^}]+\}/.test(prefix)) {
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			`on a cluster, prefix must contain a hash tag such as {tmcp}, which puts all keys into one slot; got ${JSON.stringify(prefix).slice(0, 80)}`,
		);
	}
	if (/^[!#-[\]-~]{1,256}$/.test(prefix)) return prefix;
	throw new TmcpSessionsError(
		'configuration',
		PACKAGE,
		`prefix must be 1 to 256 printable ASCII characters without quotes and backslashes; got ${JSON.stringify(prefix).slice(0, 80)}`,
	);
}

/**
 * Returns the option in milliseconds.
 *
 * @throws {TmcpSessionsError} `configuration`, if it is not a number above 0.
 */
export function streamMsOf(seconds: number | undefined): number | undefined {
	if (seconds === undefined) return undefined;
	if (seconds > 0 && seconds < 2_000_000) return seconds * 1_000;
	throw new TmcpSessionsError(
		'configuration',
		PACKAGE,
		`maxStreamSeconds must be a number from 0 to 2,000,000; got ${seconds}`,
	);
}
