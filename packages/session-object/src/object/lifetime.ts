import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';
import type { ObjectAlarm } from './object-alarm.ts';

/** How long an object keeps what it has. */
export interface LifetimeOptions {
	/** So long after the last request. Default: 24 hours. */
	readonly idleSeconds?: number | undefined;
	/** So long after the first one, however busy. Default: 30 days. */
	readonly absoluteSeconds?: number | undefined;
}

export const DEFAULT_IDLE_SECONDS: number = 24 * 60 * 60;
export const DEFAULT_ABSOLUTE_SECONDS: number = 30 * DEFAULT_IDLE_SECONDS;

/** What an object's end depends on. */
export interface Life {
	readonly createdMs: number;
	/** When it was made that was archived, where it was restored; otherwise `createdMs`. */
	readonly originMs?: number | undefined;
	readonly usedMs: number;
	/** It has ended: nothing may use it any more. */
	readonly ended?: 'by its client' | 'expired' | undefined;
	/** When the alarm is to look again, in the place of what follows from the other times. */
	readonly untilMs?: number | undefined;
	/** How often what comes after the end has failed. */
	readonly failures?: number | undefined;
}

/** What becomes of the object: it has ended, it lives on, or its alarm came too late to end anything. */
export type Verdict = 'ended' | 'lives' | 'held up';

const KEY = 'life';
/** A use moves the end once in this part of the idle time: it costs a row. */
const EXTENSION_PART = 1 / 10;
/** A clock that is behind by more has been set back. */
const TOLERANCE_MS = 60_000;
/** An alarm that is later than this was held up, or its clock has jumped. */
export const LATE_MS: number = 60 * 60_000;
/** How long a client has then to show that it is still there. */
const GRACE_MS = 15 * 60_000;
/** After its client ended a session, what is at work may finish. */
const LINGER_MS = 30_000;
const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 6 * 60 * 60_000;

/** When an object ends: some time after its last use, and at the latest some time after its first. */
export class Lifetime {
	readonly #entries: Entries;
	readonly #alarm: ObjectAlarm;
	readonly #idleMs: number;
	readonly #absoluteMs: number;
	readonly #now: () => number;
	readonly #report: (error: unknown) => void;
	#life: Life | undefined;

	/** @throws {SessionStateError} for a time that is no positive number of seconds. */
	constructor(
		entries: Entries,
		alarm: ObjectAlarm,
		options: LifetimeOptions,
		now: () => number,
		report: (error: unknown) => void,
	) {
		const { idleSeconds = DEFAULT_IDLE_SECONDS } = options;
		const { absoluteSeconds = DEFAULT_ABSOLUTE_SECONDS } = options;
		for (const [name, seconds] of Object.entries({ idleSeconds, absoluteSeconds })) {
			if (seconds > 0) continue;
			throw new SessionStateError(
				`settings.lifetime.${name} must be a positive number of seconds; found ${seconds}`,
			);
		}
		this.#entries = entries;
		this.#alarm = alarm;
		this.#idleMs = idleSeconds * 1000;
		this.#absoluteMs = absoluteSeconds * 1000;
		this.#now = now;
		this.#report = report;
	}

	/** Whether the object has ended and waits to be emptied: nobody may use it. */
	get hasEnded(): boolean {
		return this.#read()?.ended !== undefined;
	}

	/** When the object that has ended is to be emptied; undefined where it has not. */
	get emptiedMs(): number | undefined {
		return this.hasEnded ? this.endMs : undefined;
	}

	/** When the object ends, as far as can be said; undefined where it keeps nothing. */
	get endMs(): number | undefined {
		const life = this.#read();
		return life && this.#dueMs(life);
	}

	/** What is known of it; undefined where the object keeps nothing. */
	get current(): Life | undefined {
		return this.#read();
	}

	/** Says that the object keeps something from now on. */
	begin(): void {
		if (this.#read()) return;
		const nowMs = this.#now();
		this.#write({ createdMs: nowMs, usedMs: nowMs });
	}

	/** Says that the object is used. */
	touch(): void {
		const life = this.#read();
		if (!life || life.ended) return;
		const nowMs = this.#now();
		if (nowMs < life.usedMs - TOLERANCE_MS) {
			this.#report(
				new SessionStateError(
					`the clock was set back by ${Math.round((life.usedMs - nowMs) / 1000)} s since a session was ` +
						'last used: its time counts from now on. Nothing has expired by it; if it happens ' +
						'again, look at what sets the clock',
				),
			);
			const createdMs = Math.min(life.createdMs, nowMs);
			this.#write({ ...life, createdMs, usedMs: nowMs, untilMs: undefined });
			return;
		}
		// Past its absolute time no use moves the end: each would be the beginning of another grace.
		if (nowMs >= life.createdMs + this.#absoluteMs) return;
		const hasGained = nowMs - life.usedMs >= this.#idleMs * EXTENSION_PART;
		if (hasGained || life.untilMs) this.#write({ ...life, usedMs: nowMs, untilMs: undefined });
	}

	/** Says that nobody will use the object any more. */
	end(ended: 'by its client' | 'expired'): void {
		const life = this.#read();
		if (!life || life.ended) return;
		const untilMs = this.#now() + (ended === 'by its client' ? LINGER_MS : 0);
		this.#write({ ...life, ended, untilMs });
	}

	/** What comes after the end has failed: it is tried again, later and later. */
	retryEnd(): void {
		const life = this.#read();
		if (!life) return;
		const { failures = 0 } = life;
		const waitMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
		this.#write({ ...life, failures: failures + 1, untilMs: this.#now() + waitMs });
	}

	/**
	 * What is to become of the object now that its alarm has gone off.
	 *
	 * @param isInUse whether a call is at work or a stream is open: only the absolute time ends it then.
	 */
	judge(isInUse: boolean): Verdict {
		const life = this.#read();
		if (!life) return 'lives';
		const nowMs = this.#now();
		const dueMs = this.#dueMs(life);
		if (nowMs < dueMs) {
			// A deployment that gave it less time has set the alarm.
			if (this.#storedMs() <= nowMs) this.#write(life);
			return 'lives';
		}
		if (life.ended) return 'ended';
		const isLate = nowMs - dueMs > LATE_MS && life.untilMs === undefined;
		if (isInUse && nowMs < life.createdMs + this.#absoluteMs) {
			this.#write({ ...life, usedMs: nowMs, untilMs: undefined });
			return isLate ? 'held up' : 'lives';
		}
		if (!isLate) {
			this.end('expired');
			return 'ended';
		}
		this.#report(
			new SessionStateError(
				`a session should have expired ${Math.round((nowMs - dueMs) / 1000)} s ago and its alarm came ` +
					`only now: it was held up, or the clock has jumped. The session stays for ${GRACE_MS / 1000} s ` +
					'more, so that its client can use it; if the clock is right, nothing is to be done',
			),
		);
		this.#write({ ...life, untilMs: nowMs + GRACE_MS });
		return 'held up';
	}

	/** The object got back what it had when it ended: its time begins anew. */
	revive(): void {
		this.forget();
		const nowMs = this.#now();
		this.#write({ createdMs: nowMs, usedMs: nowMs, originMs: this.originMs });
	}

	/** Tells this life from others that the object had: the same once it was archived and restored. */
	get originMs(): number | undefined {
		const life = this.#read();
		return life?.originMs ?? life?.createdMs;
	}

	/** The object was emptied, or got other contents. */
	forget(): void {
		this.#life = undefined;
	}

	#read(): Life | undefined {
		if (this.#life) return this.#life;
		const text = this.#entries.read('meta', KEY);
		// Sound: nothing but `#write` writes it.
		return (this.#life = text === undefined ? undefined : (JSON.parse(text) as Life));
	}

	#storedMs(): number {
		return this.#entries.find('meta', KEY)?.atMs ?? Infinity;
	}

	#write(life: Life): void {
		this.#life = life;
		this.#entries.write('meta', KEY, JSON.stringify(life), this.#dueMs(life));
		this.#alarm.update();
	}

	#dueMs({ createdMs, usedMs, untilMs }: Life): number {
		return untilMs ?? Math.min(usedMs + this.#idleMs, createdMs + this.#absoluteMs);
	}
}
