import { TmcpSessionsError } from '@tmcp-sessions/core';
import { secretsIn } from '@tmcp-sessions/core/backend';
import { createSessionIds } from '@tmcp-sessions/core/internal';

import { Callers } from './session/authenticator.ts';
import type { McpHandlerOptions } from './options.ts';
import { OriginRules } from './validation/origin-guard.ts';
import { placement } from './session/shard-picker.ts';
import type { ShardOf } from './session/shard-picker.ts';

const DEFAULT_HEARTBEAT_SECONDS = 15;
/** On Workers what goes on after a client has left has 30 s: a heartbeat must find it before. */
const MAX_HEARTBEAT_SECONDS = 25;
/** How long a question waits where nobody says otherwise. */
export const DEFAULT_ANSWER_SECONDS = 300;
const MAX_ANSWER_SECONDS = 24 * 60 * 60;
const DEFAULT_MAX_BODY_BYTES = 4 * 1_024 * 1_024;
/** What Workers take at most, whatever the plan. */
const MAX_BODY_BYTES = 500 * 1_024 * 1_024;

/** What a handler can make of its options before there is an environment. */
export interface CheckedOptions {
	readonly origins: OriginRules;
	readonly callers: Callers;
	readonly shardOf: ShardOf;
	readonly maxBodyBytes: number;
	readonly heartbeatMs: number;
	readonly answerMs: number;
}

/** The options that are checked, which handlers of every transport have. */
export type CheckableOptions = Pick<
	McpHandlerOptions,
	| 'allowedHosts'
	| 'allowedOrigins'
	| 'answerSeconds'
	| 'heartbeatSeconds'
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
export function checkedOptions(options: CheckableOptions): CheckedOptions {
	const { heartbeatSeconds = DEFAULT_HEARTBEAT_SECONDS } = options;
	const { answerSeconds = DEFAULT_ANSWER_SECONDS, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
	const between = (name: string, value: number, atMost: number): number => {
		if (value > 0 && value <= atMost) return value;
		throw new TmcpSessionsError(
			'configuration',
			'http',
			`${name} must be above 0 and at most ${atMost}; found ${value}`,
		);
	};
	// Those of the environment are there with the first request.
	if (options.sessionKeys) createSessionIds({ keys: secretsIn(options.sessionKeys) });
	return {
		origins: new OriginRules(options),
		callers: new Callers(options.oauth, options.principal),
		shardOf: placement(options.placement),
		maxBodyBytes: between('maxBodyBytes', maxBodyBytes, MAX_BODY_BYTES),
		heartbeatMs: between('heartbeatSeconds', heartbeatSeconds, MAX_HEARTBEAT_SECONDS) * 1000,
		answerMs: between('answerSeconds', answerSeconds, MAX_ANSWER_SECONDS) * 1000,
	};
}
