import { StoreError, TmcpSessionsError } from '@tmcp-sessions/core';
import { currentScope } from '@tmcp-sessions/core/backend';
import type { SingleUse } from '@tmcp-sessions/core/backend';
import { checkSecrets, createSealing, parseSecrets } from '@tmcp-sessions/core/internal';

import { requestDigest } from './digest.ts';
import { RequestContext } from '../request/request-context.ts';

const PACKAGE = 'http';
/** What a state begins with: the form that it has. */
const VERSION = '1.';
const DEFAULT_LIFETIME_SECONDS = 600;
/** What tmcp 1.20 accepts of a state, in characters. */
const MAX_LENGTH = 262_144;
/** How much the clocks of two isolates may differ. */
const CLOCK_SKEW_MS = 60_000;

/** Who may read a request's state, for how long, and how often. */
export interface RequestStateCodecOptions {
	/**
	 * Secrets of at least 32 characters, such as those of the session ids. The first seals, all
	 * open: to rotate, add the new one behind, put it in front when that is deployed everywhere, and
	 * drop the old one after `lifetimeSeconds`. One text may hold several between spaces or commas, as
	 * `TMCP_SESSION_KEYS` does.
	 */
	readonly keys: readonly string[];
	/** How long a client may take to answer. Default: 600. */
	readonly lifetimeSeconds?: number | undefined;
	/**
	 * Where is kept what was used, for all isolates: a `DurableObjectSessionStore`, an
	 * `UpstashSessionStore`. Default: a state may be sent again until it expires.
	 */
	readonly singleUse?: SingleUse | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

/** What tmcp's `McpServer` takes as `createRequestStateCodec`. */
export interface RequestStateCodec {
	/** Seals what the server wants back with the answers of the client. */
	encode(state: unknown): Promise<string>;
	/** Opens what `encode` made in a request like this one, of the same caller. */
	decode(encoded: string): Promise<unknown>;
}

/** A request's state that cannot be accepted, or cannot be made. */
export class RequestStateError extends TmcpSessionsError {
	override readonly name = 'RequestStateError';
	constructor(message: string) {
		super('request-state', PACKAGE, message);
	}
}

/** What is sealed. */
interface Sealed {
	readonly expiresAtMs: number;
	readonly state?: unknown;
}

/**
 * Keeps what a server of the stateless era hands its client between two rounds: nobody can read it
 * or change it (AES-256-GCM), and only the same caller can use it, for the same request, within its
 * lifetime. Works in a server that `createMcpHandler` serves, which knows both.
 *
 *     new McpServer(info, { adapter, requestStateCodec: createRequestStateCodec({ keys: [env.KEY] }) })
 *
 * tmcp tells the client what `decode` rejects with. So it is one and the same for a state that was
 * changed, has expired, was used, or is somebody else's or another request's. Where `singleUse` is
 * out of reach it is a `StoreError` that says nothing of what is inside.
 *
 * @throws {TmcpSessionsError} `configuration`, where there is no key, one is too short, or
 * `lifetimeSeconds` is not above 0.
 */
export function createRequestStateCodec(options: RequestStateCodecOptions): RequestStateCodec {
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
				`the request state takes ${encoded.length} characters, where tmcp accepts ${MAX_LENGTH}: ` +
					'keep less in it, such as an id of what is stored elsewhere',
			);
		},
		async decode(encoded) {
			const boundTo = await callerAndRequest();
			if (encoded.length > MAX_LENGTH || !encoded.startsWith(VERSION)) throw refused();
			const opened = await sealing.open(encoded.slice(VERSION.length), boundTo);
			if (!opened) throw refused();
			// Sound: `encode` alone makes what opens.
			const { expiresAtMs, state } = JSON.parse(opened.text) as Sealed;
			const nowMs = now();
			// Beyond its lifetime: of a clock that is ahead, or of a time in which states lived longer.
			const latestMs = nowMs + lifetimeMs + CLOCK_SKEW_MS;
			if (expiresAtMs <= nowMs || expiresAtMs > latestMs) throw refused();
			// Remembered longer than it lives: a clock that is behind would take it once more.
			const untilMs = expiresAtMs + CLOCK_SKEW_MS;
			if (singleUse && !(await claim(singleUse, opened.id, untilMs))) throw refused();
			return state;
		},
	};
}

/** What a state is bound to: the request that is being answered, and whose it is. */
async function callerAndRequest(): Promise<string> {
	const scope = currentScope();
	const digest = scope && (await requestDigest(scope.message));
	if (digest === undefined) {
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			'createRequestStateCodec binds a state to the request and to its caller; found neither. ' +
				'Serve the server with createMcpHandler instead of a bare HttpTransport',
		);
	}
	// The principal is last: whatever it holds, it is taken for nothing else.
	return `${digest} ${scope?.principal ?? ''}`;
}

/** tmcp tells the client why this fails: what is inside is for the handler, which reports it. */
async function claim(singleUse: SingleUse, id: string, untilMs: number): Promise<boolean> {
	try {
		return await singleUse.claim(`request-state.${id}`, untilMs);
	} catch (cause) {
		const scope = currentScope();
		if (scope instanceof RequestContext) {
			scope.failure =
				cause instanceof StoreError ? cause : new StoreError(PACKAGE, 'claiming a state', cause);
		}
		const reason = new Error('its storage is out of reach; try again later', { cause });
		throw new StoreError(PACKAGE, 'checking the request state', reason);
	}
}

function refused(): RequestStateError {
	return new RequestStateError(
		"the request state is not one of this server's for this request, was used, or has expired: " +
			'send the request again without it',
	);
}

function checkedLifetimeMs(seconds: number): number {
	if (seconds > 0 && seconds < Infinity) return seconds * 1000;
	throw new TmcpSessionsError(
		'configuration',
		PACKAGE,
		`lifetimeSeconds must be above 0; found ${seconds}`,
	);
}
