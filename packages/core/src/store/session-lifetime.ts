import { TmcpSessionsError } from '../errors.ts';
import type { SessionPatch, SessionRecord } from './session-store.ts';

/** 24 hours idle, 30 days in all: some clients never open a new session after a 404. */
const DEFAULT_IDLE_SECONDS = 24 * 60 * 60;
const DEFAULT_ABSOLUTE_SECONDS = 30 * DEFAULT_IDLE_SECONDS;
/** A session in use is written at most once in this part of its idle time. */
const EXTENSION_PART = 1 / 10;

/** When sessions end: some time after the last use, and at the latest some time after the first. */
export class SessionLifetime {
	/** How long a session lives that is not used. */
	readonly idleMs: number;
	readonly #absoluteMs: number;
	readonly #now: () => number;

	/** @throws {TmcpSessionsError} `configuration`, where a time is no positive number of seconds. */
	constructor(
		now: () => number,
		idleSeconds: number = DEFAULT_IDLE_SECONDS,
		absoluteSeconds: number = DEFAULT_ABSOLUTE_SECONDS,
	) {
		this.#now = now;
		this.idleMs = toMs('idleSeconds', idleSeconds);
		this.#absoluteMs = toMs('absoluteSeconds', absoluteSeconds);
	}

	/** The record of a session that is opened now. */
	opened(info: Omit<SessionPatch, 'expiresAtMs'>): SessionRecord {
		const createdAtMs = this.#now();
		return { ...info, createdAtMs, expiresAtMs: this.#expiresAtMs(createdAtMs) };
	}

	/** The new end of a session that is used now, or undefined where it is not worth a write yet. */
	extended(record: SessionRecord): number | undefined {
		const expiresAtMs = this.#expiresAtMs(record.createdAtMs);
		const gainMs = expiresAtMs - record.expiresAtMs;
		// No later use gains more than this: it is the last time that the end moves.
		const isLast = gainMs > 0 && expiresAtMs === record.createdAtMs + this.#absoluteMs;
		return isLast || gainMs >= this.idleMs * EXTENSION_PART ? expiresAtMs : undefined;
	}

	/**
	 * When the session ends however busy it is, milliseconds since the epoch. Not before the end that
	 * it has: a deployment may let sessions live shorter than the one that opened it.
	 */
	endsAtMs(record: SessionRecord): number {
		return Math.max(record.createdAtMs + this.#absoluteMs, record.expiresAtMs);
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
		`${name} must be a positive number of seconds; found ${seconds}`,
	);
}
