import { TmcpSessionsError } from '../errors.ts';
import type { StateLifetime } from '../extensions/state-store.ts';
import type { SessionPatch, SessionRecord } from './session-store.ts';

/** 24 hours idle, 30 days in total: some clients never open a new session after a 404. */
const DEFAULT_IDLE_SECONDS = 24 * 60 * 60;
const DEFAULT_ABSOLUTE_SECONDS = 30 * DEFAULT_IDLE_SECONDS;
/** The expiry of a session in use is written at most once per this fraction of its idle time. */
const EXTENSION_FRACTION = 1 / 10;

/** Computes when sessions expire: some time after the last use, and at most some time after the first. */
export class SessionLifetime {
	/** How long an unused session lives, in milliseconds. */
	readonly idleMs: number;
	readonly #absoluteMs: number;
	readonly #now: () => number;

	/** @throws {TmcpSessionsError} `configuration`, if a duration is not a positive number of seconds. */
	constructor(
		now: () => number,
		idleSeconds: number = DEFAULT_IDLE_SECONDS,
		absoluteSeconds: number = DEFAULT_ABSOLUTE_SECONDS,
	) {
		this.#now = now;
		this.idleMs = toMs('idleSeconds', idleSeconds);
		this.#absoluteMs = toMs('absoluteSeconds', absoluteSeconds);
	}

	/** Returns the record of a session that is opened now. */
	newRecord(info: Omit<SessionPatch, 'expiresAtMs'>): SessionRecord {
		const createdAtMs = this.#now();
		return { ...info, createdAtMs, expiresAtMs: this.#expiresAtMs(createdAtMs) };
	}

	/** Returns the new expiry of a session that is used now, or `undefined` if the gain is not worth a write. */
	extendedExpiryMs(record: SessionRecord): number | undefined {
		const expiresAtMs = this.#expiresAtMs(record.createdAtMs);
		const gainMs = expiresAtMs - record.expiresAtMs;
		// The absolute limit is reached: no later use gains more, so write the final expiry now.
		const isFinal = gainMs > 0 && expiresAtMs === record.createdAtMs + this.#absoluteMs;
		return isFinal || gainMs >= this.idleMs * EXTENSION_FRACTION ? expiresAtMs : undefined;
	}

	/**
	 * Returns when the session ends at the latest, in milliseconds since the epoch. Never before its
	 * current expiry: a deployment may have shorter lifetimes than the one that opened the session.
	 */
	latestEndMs(record: SessionRecord): number {
		return Math.max(record.createdAtMs + this.#absoluteMs, record.expiresAtMs);
	}

	/** Returns how long the session has been open, in milliseconds. */
	ageMs({ createdAtMs }: SessionRecord): number {
		return Math.max(0, this.#now() - createdAtMs);
	}

	/** Returns how long the state of a session is stored that is used now. */
	stateLifetime(record: SessionRecord): StateLifetime {
		return {
			untilMs: Math.max(this.#expiresAtMs(record.createdAtMs), record.expiresAtMs),
			latestMs: this.latestEndMs(record),
		};
	}

	/** Returns the latest expiry that any operation on a session may have written until now. */
	latestExpiryMs(): number {
		return this.#now() + this.idleMs;
	}

	#expiresAtMs(createdAtMs: number): number {
		return Math.min(this.#now() + this.idleMs, createdAtMs + this.#absoluteMs);
	}
}

function toMs(name: string, seconds: number): number {
	if (seconds > 0 && Number.isFinite(seconds)) return seconds * 1000;
	throw new TmcpSessionsError(
		'configuration',
		'core',
		`${name} must be a positive number of seconds; got ${seconds}`,
	);
}
