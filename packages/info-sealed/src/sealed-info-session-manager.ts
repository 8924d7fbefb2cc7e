import { StoredInfoSessionManager, TmcpSessionsError } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import type { IssuedSession, InitializeParams, SessionSealing } from '@tmcp-sessions/core/backend';

import { OpenedSessions } from './opened-sessions.ts';
import { PACKAGE, SealedIds } from './sealed-ids.ts';
import { SealedSessionStore } from './sealed-session-store.ts';
import { strongSecretsIn } from './strong-secrets.ts';

const DEFAULT_LIFETIME_SECONDS = 7 * 24 * 60 * 60;
const DEFAULT_RECHECK_SECONDS = 60;

/** What sessions are sealed with, and where is kept what changes. */
export interface SealedInfoOptions extends Omit<StoredInfoOptions, 'idleSeconds'> {
	/**
	 * Secrets with 256 random bits, such as `openssl rand -base64 32` makes. The first seals, all
	 * open: to rotate, add the new one behind, put it in front when that is deployed everywhere, and
	 * drop the old one after `absoluteSeconds`. One text may hold several between spaces or commas,
	 * as `TMCP_SESSION_KEYS` does.
	 */
	readonly keys: readonly (string | undefined)[];
	/**
	 * Keeps log levels, subscriptions and the ends of sessions, and sessions whose clients say too much
	 * for an id. Default: none of it is offered.
	 */
	readonly rest?: StoredInfoSessionManager | undefined;
	/** A session ends so long after it was opened, however busy or idle. Default: 7 days. */
	readonly absoluteSeconds?: number | undefined;
	/**
	 * How long an isolate takes for true what `rest` told it of a session: so long an end, or a log
	 * level, may be unknown to calls in other isolates, beyond what `rest` promises. With 0, each
	 * call asks. Default: 60.
	 */
	readonly recheckSeconds?: number | undefined;
}

/**
 * An info manager that reads nothing: what a client says at `initialize` travels in its session's id,
 * encrypted, and comes back with every request. Needs `createMcpHandler`, which makes the ids.
 */
export class SealedInfoSessionManager extends StoredInfoSessionManager implements SessionSealing {
	readonly storesMutableState: boolean;
	readonly #opened: OpenedSessions;
	readonly #ids: SealedIds;
	readonly #now: () => number;

	/**
	 * @throws {TmcpSessionsError} `configuration`, where there is no key or a weak one, or a time is
	 * none.
	 */
	constructor({ keys, rest, ...own }: SealedInfoOptions) {
		const given = Object.entries(own).filter(([, value]) => value !== undefined);
		const { absoluteSeconds = DEFAULT_LIFETIME_SECONDS, recheckSeconds = DEFAULT_RECHECK_SECONDS } =
			own;
		const options = {
			...rest?.options,
			...Object.fromEntries(given),
			// Nothing can be written into an id that a client has: its end does not move.
			...{ absoluteSeconds, idleSeconds: absoluteSeconds },
		};
		const secrets = strongSecretsIn(keys, PACKAGE);
		const now = options.now ?? Date.now;
		const opened = new OpenedSessions();
		const recheckMs = toMs('recheckSeconds', recheckSeconds, (each) => each >= 0);
		const lifetimeMs = toMs('absoluteSeconds', absoluteSeconds, (each) => each > 0);
		super(new SealedSessionStore({ opened, rest: rest?.store, recheckMs, now }), options);
		this.storesMutableState = rest !== undefined;
		this.#opened = opened;
		this.#now = now;
		this.#ids = new SealedIds({
			...{ secrets, lifetimeMs, now },
			canStore: this.storesMutableState,
		});
	}

	async sealSession(said: InitializeParams): Promise<IssuedSession> {
		const session = await this.#ids.seal(said);
		// Of a session that is just being opened, nothing is stored.
		return this.#opened.add({ ...session, stored: { record: undefined, atMs: this.#now() } });
	}

	async openSession(id: string, principal: string): Promise<IssuedSession | undefined> {
		const known = this.#opened.find(id, principal);
		const session = known ?? (await this.#ids.open(id, principal));
		if (!session || session.expiresAtMs <= this.#now()) return undefined;
		// Another request may have opened it meanwhile: what both write is in one place.
		return known ?? this.#opened.find(id, principal) ?? this.#opened.add(session);
	}
}

function toMs(name: string, seconds: number, isAllowed: (seconds: number) => boolean): number {
	if (isAllowed(seconds) && Number.isFinite(seconds)) return seconds * 1000;
	throw new TmcpSessionsError(
		'configuration',
		PACKAGE,
		`${name} must be a number of seconds; found ${seconds}`,
	);
}
