import { TmcpSessionsError } from '@tmcp-sessions/core';
import { createSessionIds, parseSecrets } from '@tmcp-sessions/core/internal';

import { Authenticator } from './session/authenticator.ts';
import type { McpHandlerOptions } from './options.ts';
import { OriginGuard } from './validation/origin-guard.ts';
import { placement } from './session/shard-picker.ts';
import type { ShardOf } from './session/shard-picker.ts';

const DEFAULT_KEEP_ALIVE_SECONDS = 15;
/** On Workers what goes on after a client has left has 30 s: a heartbeat must find it before. */
const MAX_KEEP_ALIVE_SECONDS = 25;
/** How long a question waits where nobody says otherwise. */
export const DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS = 300;
const MAX_CLIENT_RESPONSE_TIMEOUT_SECONDS = 24 * 60 * 60;
const DEFAULT_MAX_BODY_BYTES = 4 * 1_024 * 1_024;
/** What Workers take at most, whatever the plan. */
const MAX_BODY_BYTES = 500 * 1_024 * 1_024;

/** What a handler can make of its options before there is an environment. */
export interface ResolvedOptions {
	readonly origins: OriginGuard;
	readonly callers: Authenticator;
	readonly shardOf: ShardOf;
	readonly maxBodyBytes: number;
	readonly keepAliveMs: number;
	readonly clientResponseTimeoutMs: number;
}

/** The options that are checked, which handlers of every transport have. */
export type ResolvableOptions = Pick<
	McpHandlerOptions,
	| 'allowedHosts'
	| 'allowedOrigins'
	| 'clientResponseTimeoutSeconds'
	| 'keepAliveSeconds'
	| 'maxBodyBytes'
	| 'oauth'
	| 'placement'
	| 'principal'
	| 'sessionKeys'
>;

/**
 * @throws {TmcpSessionsError} `configuration`, where a number is out of its range, a key is too
 * short, or `oauth` comes without `principal`.
 */
export function resolveOptions(options: ResolvableOptions): ResolvedOptions {
	const { keepAliveSeconds = DEFAULT_KEEP_ALIVE_SECONDS } = options;
	const {
		clientResponseTimeoutSeconds = DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS,
		maxBodyBytes = DEFAULT_MAX_BODY_BYTES,
	} = options;
	const between = (name: string, value: number, atMost: number): number => {
		if (value > 0 && value <= atMost) return value;
		throw new TmcpSessionsError(
			'configuration',
			'http',
			`${name} must be above 0 and at most ${atMost}; found ${value}`,
		);
	};
	// Those of the environment are there with the first request.
	if (options.sessionKeys) createSessionIds({ keys: parseSecrets(options.sessionKeys) });
	return {
		origins: new OriginGuard(options),
		callers: new Authenticator(options.oauth, options.principal),
		shardOf: placement(options.placement),
		maxBodyBytes: between('maxBodyBytes', maxBodyBytes, MAX_BODY_BYTES),
		keepAliveMs: between('keepAliveSeconds', keepAliveSeconds, MAX_KEEP_ALIVE_SECONDS) * 1000,
		clientResponseTimeoutMs:
			between(
				'clientResponseTimeoutSeconds',
				clientResponseTimeoutSeconds,
				MAX_CLIENT_RESPONSE_TIMEOUT_SECONDS,
			) * 1000,
	};
}
