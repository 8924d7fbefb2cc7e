import { StoredInfoSessionManager, TmcpSessionsError } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import type { IssuedSession, InitializeParams, SessionSealing } from '@tmcp-sessions/core/backend';
import {
	checkSecrets,
	parseSecrets,
	rejectUnknownOptions,
	STORED_INFO_OPTIONS,
} from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';

import { OpenedSessions } from './opened-sessions.ts';
import { PACKAGE } from './package-name.ts';
import { SealedIds } from './sealed-ids.ts';
import { SealedSessionStore } from './sealed-session-store.ts';

/** The key length of AES-256. */
const KEY_BITS = 256;
const DEFAULT_LIFETIME_SECONDS = 7 * 24 * 60 * 60;
const DEFAULT_RECHECK_SECONDS = 60;

/** Keys, lifetime, error reporting and the manager of mutable state. */
export interface SealedInfoOptions extends Omit<StoredInfoOptions, 'idleSeconds'> {
	/**
	 * Secrets of 256 random bits: `openssl rand -base64 32`. The first one seals, all of them open. To
	 * rotate, append the new one, move it to the front once that is deployed everywhere, and remove the
	 * old one after `absoluteSeconds`. A text may contain several secrets, separated by spaces or
	 * commas, like `TMCP_SESSION_KEYS`.
	 */
	readonly keys: readonly (string | undefined)[];
	/**
	 * Stores log levels, subscriptions, ended sessions, and client metadata that does not fit an id.
	 * Default: the server offers none of these.
	 */
	readonly rest?: StoredInfoSessionManager | undefined;
	/**
	 * Enables `endSessionsOf` and `listSessions`, if `rest` can. Costs `initialize` one write, and one
	 * more for a session of a principal. Default: false.
	 */
	readonly administration?: boolean | undefined;
	/** The lifetime of a session, which its use does not extend. Default: 7 days. */
	readonly absoluteSeconds?: number | undefined;
	/**
	 * How long an isolate caches what it has read from `rest`: calls in other isolates may miss the end
	 * of a session or its log level for this long, in addition to the delay of `rest`. With 0, each call
	 * reads. Default: 60.
	 */
	readonly recheckSeconds?: number | undefined;
}

const { idleSeconds: _expiryIsFixed, ...STORED } = STORED_INFO_OPTIONS;
const OPTIONS: OptionNames<SealedInfoOptions> = {
	...STORED,
	keys: 1,
	rest: 1,
	administration: 1,
	recheckSeconds: 1,
};

/**
 * Stores the client's part of `initialize` in the session id, encrypted, so that requests need no
 * reads. Requires `createMcpHandler`, which issues the ids.
 */
export class SealedInfoSessionManager extends StoredInfoSessionManager implements SessionSealing {
	readonly storesMutableState: boolean;
	readonly #opened: OpenedSessions;
	readonly #ids: SealedIds;
	readonly #now: () => number;

	/** @throws {TmcpSessionsError} `configuration`, if a key is missing or weak, or a time is invalid. */
	constructor({ administration = false, keys, rest, ...own }: SealedInfoOptions) {
		rejectUnknownOptions(own, OPTIONS, PACKAGE, 'SealedInfoSessionManager');
		const given = Object.entries(own).filter(([, value]) => value !== undefined);
		const { absoluteSeconds = DEFAULT_LIFETIME_SECONDS, recheckSeconds = DEFAULT_RECHECK_SECONDS } =
			own;
		const options = {
			...rest?.options,
			...Object.fromEntries(given),
			// The expiry cannot move: the client already has the id that contains it.
			absoluteSeconds,
			idleSeconds: absoluteSeconds,
		};
		const secrets = parseSecrets(keys);
		checkSecrets(secrets, PACKAGE, 'sealed session ids need keys', KEY_BITS);
		const now = options.now ?? Date.now;
		const opened = new OpenedSessions();
		const recheckMs = toMs('recheckSeconds', recheckSeconds, true);
		const lifetimeMs = toMs('absoluteSeconds', absoluteSeconds, false);
		super(
			new SealedSessionStore({ administration, opened, rest: rest?.store, recheckMs, now }),
			options,
		);
		this.storesMutableState = rest !== undefined;
		this.#opened = opened;
		this.#now = now;
		this.#ids = new SealedIds({
			secrets,
			lifetimeMs,
			now,
			canStore: this.storesMutableState,
		});
	}

	async sealSession(params: InitializeParams): Promise<IssuedSession> {
		const session = await this.#ids.seal(params);
		// A new session has no stored state.
		return this.#opened.add({ ...session, stored: { record: undefined, atMs: this.#now() } });
	}

	async openSession(id: string, principal: string): Promise<IssuedSession | undefined> {
		const cached = this.#opened.find(id, principal);
		const session = cached ?? (await this.#ids.open(id, principal));
		if (!session || session.expiresAtMs <= this.#now()) return undefined;
		// A concurrent request may have opened it: requests must share one object for its state.
		return cached ?? this.#opened.find(id, principal) ?? this.#opened.add(session);
	}
}

function toMs(name: string, seconds: number, allowsZero: boolean): number {
	if (Number.isFinite(seconds) && (seconds > 0 || (allowsZero && seconds === 0))) {
		return seconds * 1000;
	}
	throw new TmcpSessionsError(
		'configuration',
		PACKAGE,
		`${name} must be a ${allowsZero ? 'non-negative' : 'positive'} number of seconds; got ${seconds}`,
	);
}
