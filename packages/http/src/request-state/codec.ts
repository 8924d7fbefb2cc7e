import { StoreError, TmcpSessionsError } from '@tmcp-sessions/core';
import { currentScope } from '@tmcp-sessions/core/backend';
import type { SingleUse } from '@tmcp-sessions/core/backend';
import {
	checkSecrets,
	createSealing,
	parseSecrets,
	rejectUnknownOptions,
} from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';

import { configurationError } from '../configuration-error.ts';
import { requestDigest } from './digest.ts';
import { currentContext } from '../request/request-context.ts';

const PACKAGE = 'http';
/** The prefix of a state, which names its format. */
const VERSION = '1.';
const DEFAULT_LIFETIME_SECONDS = 600;
/** Characters of a state that tmcp 1.20 accepts. */
const MAX_LENGTH = 262_144;
/** How far the clocks of two isolates may differ. */
const CLOCK_SKEW_MS = 60_000;

/** How long a request state is valid, and how often. */
export interface RequestStateCodecOptions {
	/**
	 * Secrets of at least 32 characters, such as those of the session ids. The first seals, all
	 * open: to rotate, append the new one, move it to the front when that is deployed everywhere, and
	 * remove the old one after `lifetimeSeconds`. One string may hold several, separated by spaces or
	 * commas, as `TMCP_SESSION_KEYS` does.
	 */
	readonly keys: readonly string[];
	/** How long a client may take to respond. Default: 600. */
	readonly lifetimeSeconds?: number | undefined;
	/**
	 * Stores which states were used, for all isolates: a `DurableObjectSessionStore` or an
	 * `UpstashSessionStore`. Default: a state may be sent again until it expires.
	 */
	readonly singleUse?: SingleUse | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

const OPTIONS: OptionNames<RequestStateCodecOptions> = {
	keys: 1,
	lifetimeSeconds: 1,
	singleUse: 1,
	now: 1,
};

/** The `requestStateCodec` of tmcp's `McpServer`. */
export interface RequestStateCodec {
	/** Seals what the server needs back with the client's responses. */
	encode(state: unknown): Promise<string>;
	/** Opens what `encode` sealed for the same request of the same caller. */
	decode(encoded: string): Promise<unknown>;
}

/** A request state that is invalid or cannot be sealed. */
export class RequestStateError extends TmcpSessionsError {
	override readonly name = 'RequestStateError';
	constructor(message: string) {
		super('request-state', PACKAGE, message);
	}
}

interface Sealed {
	readonly expiresAtMs: number;
	readonly state?: unknown;
}

/**
 * Creates a codec for the state that a stateless server sends its client between two rounds. The state
 * is encrypted and authenticated (AES-256-GCM), and bound to the caller, the request and a lifetime.
 * Requires `createMcpHandler`, which knows the caller and the request.
 *
 *     new McpServer(info, { adapter, requestStateCodec: createRequestStateCodec({ keys: [env.KEY] }) })
 *
 * tmcp sends the client the error of `decode`. It is therefore the same for a state that was changed,
 * has expired, was used, or belongs to another caller or request. If `singleUse` cannot be reached, it
 * is a `StoreError` without internals.
 *
 * @throws {TmcpSessionsError} `configuration` if there is no key, a key is too short, or
 * `lifetimeSeconds` is not above 0.
 */
export function createRequestStateCodec(options: RequestStateCodecOptions): RequestStateCodec {
	rejectUnknownOptions(options, OPTIONS, PACKAGE, 'createRequestStateCodec');
	const { singleUse, now = Date.now } = options;
	const keys = parseSecrets(options.keys);
	checkSecrets(keys, PACKAGE, 'request states need keys');
	const sealing = createSealing(keys, `tmcp-sessions request state ${VERSION}`);
	const lifetimeMs = checkedLifetimeMs(options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS);

	return {
		async encode(state) {
			const sealed: Sealed = { expiresAtMs: now() + lifetimeMs, state };
			const boundTo = await callerAndRequest();
			const encoded = VERSION + (await sealing.seal(JSON.stringify(sealed), boundTo));
			if (encoded.length <= MAX_LENGTH) return encoded;
			throw new RequestStateError(
				`the request state must have at most ${MAX_LENGTH} characters; got ${encoded.length}: ` +
					'keep less in it, such as the id of a stored record',
			);
		},
		async decode(encoded) {
			const boundTo = await callerAndRequest();
			if (encoded.length > MAX_LENGTH || !encoded.startsWith(VERSION)) throw invalidState();
			const opened = await sealing.open(encoded.slice(VERSION.length), boundTo);
			if (!opened) throw invalidState();
			// Safe because only `encode` seals with these keys.
			const { expiresAtMs, state } = JSON.parse(opened.text) as Sealed;
			const nowMs = now();
			// An expiry beyond the lifetime comes from a clock that is ahead, or from a longer lifetime before.
			const latestMs = nowMs + lifetimeMs + CLOCK_SKEW_MS;
			if (expiresAtMs <= nowMs || expiresAtMs > latestMs) throw invalidState();
			// Stored longer than the state is valid: an isolate whose clock is behind would accept it again.
			const untilMs = expiresAtMs + CLOCK_SKEW_MS;
			if (singleUse && !(await claim(singleUse, opened.id, untilMs))) throw invalidState();
			return state;
		},
	};
}

/** Returns what a state is bound to: the current request and its caller. */
async function callerAndRequest(): Promise<string> {
	const scope = currentScope();
	const digest = scope && (await requestDigest(scope.message));
	if (digest === undefined) {
		throw configurationError(
			'request states need the current request; got none. Serve the server with createMcpHandler',
		);
	}
	// The principal comes last: a separator in it cannot be taken for another.
	return `${digest} ${scope?.principal ?? ''}`;
}

/** tmcp sends the client this error: the cause is for the handler only, which reports it. */
async function claim(singleUse: SingleUse, id: string, untilMs: number): Promise<boolean> {
	try {
		return await singleUse.claim(`request-state.${id}`, untilMs);
	} catch (cause) {
		const failure =
			cause instanceof StoreError ? cause : new StoreError(PACKAGE, 'claiming a state', cause);
		currentContext()?.progress.fail(failure);
		const reason = new Error('its store cannot be reached; try again later', { cause });
		throw new StoreError(PACKAGE, 'checking the request state', reason);
	}
}

/** Creates the one error of every state that cannot be opened. */
export function invalidState(): RequestStateError {
	return new RequestStateError(
		"the request state is not one of this server's for this request, was used, or has expired: " +
			'send the request again without it',
	);
}

function checkedLifetimeMs(seconds: number): number {
	if (seconds > 0 && seconds < Infinity) return seconds * 1000;
	throw configurationError(`lifetimeSeconds must be above 0; got ${seconds}`);
}
