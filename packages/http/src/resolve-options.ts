import { checkSecrets, parseSecrets, rejectRenamedOptions } from '@tmcp-sessions/core/internal';

import { configurationError } from './configuration-error.ts';
import type { Eras, McpHandlerOptions } from './options.ts';
import type { CallerRecheck, RequestOrigin } from './request/request-context.ts';
import { Authenticator } from './session/authenticator.ts';
import { PeriodicRecheck } from './session/caller-recheck.ts';
import { clientAddressOf } from './session/client-address.ts';
import { createShardPicker } from './session/shard-picker.ts';
import type { PickShard } from './session/shard-picker.ts';
import { OriginGuard } from './validation/origin-guard.ts';

const DEFAULT_KEEP_ALIVE_SECONDS = 15;
/**
 * Workers end a request's promises 30 s after its client has disconnected: a keep-alive must find that
 * out before.
 */
const MAX_KEEP_ALIVE_SECONDS = 25;
/** How long a server request waits for its client response. */
export const DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS = 300;
const MAX_CLIENT_RESPONSE_TIMEOUT_SECONDS = 24 * 60 * 60;
const DEFAULT_RECHECK_SECONDS = 300;
const MAX_RECHECK_SECONDS = 24 * 60 * 60;
const DEFAULT_MAX_BODY_BYTES = 1_024 * 1_024;
/** The largest body that Workers accept on any plan. */
const MAX_BODY_BYTES = 500 * 1_024 * 1_024;

const ERAS: readonly Eras[] = ['both', 'session-based', 'stateless'];

const RENAMED = {
	allowedOrigins: 'cors',
	answerSeconds: 'clientResponseTimeoutSeconds',
	heartbeatSeconds: 'keepAliveSeconds',
};

/** What a handler creates from its options before it has an environment. */
export interface ResolvedOptions {
	readonly origins: OriginGuard;
	readonly authenticator: Authenticator;
	readonly pickShard: PickShard;
	readonly eras: Eras;
	readonly clientOf: NonNullable<RequestOrigin['clientOf']>;
	/** Undefined if open streams are not checked again. */
	readonly recheck: CallerRecheck | undefined;
	readonly maxBodyBytes: number;
	readonly keepAliveMs: number;
	readonly clientResponseTimeoutMs: number;
}

/** The options that the handlers of all transports share. */
export type ResolvableOptions = Pick<
	McpHandlerOptions,
	| 'allowedHosts'
	| 'clientOf'
	| 'clientResponseTimeoutSeconds'
	| 'cors'
	| 'eras'
	| 'keepAliveSeconds'
	| 'maxBodyBytes'
	| 'oauth'
	| 'placement'
	| 'principal'
	| 'recheckSeconds'
	| 'sessionKeys'
>;

/**
 * Checks options and fills in the defaults.
 *
 * @throws {TmcpSessionsError} `configuration` if a number is out of range, a key is too short, an
 * option has an old name, or `oauth` comes without `principal`.
 */
export function resolveOptions(options: ResolvableOptions): ResolvedOptions {
	checkOptionNames(options);
	const {
		clientResponseTimeoutSeconds = DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS,
		eras = 'both',
		keepAliveSeconds = DEFAULT_KEEP_ALIVE_SECONDS,
		maxBodyBytes = DEFAULT_MAX_BODY_BYTES,
		recheckSeconds = DEFAULT_RECHECK_SECONDS,
	} = options;
	const max = MAX_CLIENT_RESPONSE_TIMEOUT_SECONDS;
	checkRange('maxBodyBytes', maxBodyBytes, MAX_BODY_BYTES);
	checkRange('keepAliveSeconds', keepAliveSeconds, MAX_KEEP_ALIVE_SECONDS);
	checkRange('clientResponseTimeoutSeconds', clientResponseTimeoutSeconds, max);
	if (!ERAS.includes(eras)) {
		throw configurationError(`eras must be one of ${ERAS.join(', ')}; got ${eras}`);
	}
	if (recheckSeconds !== 0) checkRange('recheckSeconds', recheckSeconds, MAX_RECHECK_SECONDS);
	const authenticator = new Authenticator(options.oauth, options.principal);
	const isRechecked = authenticator.isConfigured && recheckSeconds > 0;
	// Keys of the environment are checked at the first request.
	if (options.sessionKeys) {
		checkTexts(options.sessionKeys);
		checkSecrets(parseSecrets(options.sessionKeys), 'http', 'the option sessionKeys needs keys');
	}
	return {
		origins: new OriginGuard(options),
		authenticator,
		clientOf: options.clientOf ?? clientAddressOf,
		recheck: isRechecked ? new PeriodicRecheck(authenticator, recheckSeconds * 1000) : undefined,
		pickShard: createShardPicker(options.placement),
		eras,
		maxBodyBytes,
		keepAliveMs: keepAliveSeconds * 1000,
		clientResponseTimeoutMs: clientResponseTimeoutSeconds * 1000,
	};
}

/** @throws {TmcpSessionsError} `configuration` if an option of a handler has an old name. */
export function checkOptionNames(options: object): void {
	rejectRenamedOptions(options, RENAMED, 'http');
}

/** @throws {TmcpSessionsError} `configuration` unless the value is a list of texts. An unset variable is none. */
function checkTexts(keys: unknown): void {
	if (!Array.isArray(keys)) {
		throw configurationError(
			`sessionKeys must be a list of texts; got ${typeof keys}. Write [key]`,
		);
	}
	for (const [index, key] of keys.entries()) {
		if (typeof key === 'string') continue;
		throw configurationError(
			`sessionKeys[${index}] must be a text; got ${key === null ? 'null' : typeof key}. A variable that is ` +
				'not set is undefined, and so is a secret that "secrets": { "required": […] } of ' +
				'wrangler.jsonc does not declare',
		);
	}
}

function checkRange(name: string, value: number, max: number): void {
	if (value > 0 && value <= max) return;
	throw configurationError(`${name} must be above 0 and at most ${max}; got ${value}`);
}
