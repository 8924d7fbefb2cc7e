import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';
import { LATE_ALARM_MS } from '../storage/object-alarm.ts';
import type { ObjectAlarm } from '../storage/object-alarm.ts';

/** Configures when a session object expires. */
export interface LifetimeOptions {
	/** Time after the last use. Default: 24 hours. */
	readonly idleSeconds?: number | undefined;
	/** Time after the first use, even if the object is busy. Default: 30 days. */
	readonly absoluteSeconds?: number | undefined;
}

export const DEFAULT_IDLE_SECONDS: number = 24 * 60 * 60;
export const DEFAULT_ABSOLUTE_SECONDS: number = 30 * DEFAULT_IDLE_SECONDS;

type EndReason = 'by its client' | 'expired';

/** The stored times from which the object's expiry follows. */
export interface LifetimeRecord {
	readonly createdMs: number;
	/** When the object was created that was archived and restored; default: `createdMs`. */
	readonly originMs?: number | undefined;
	readonly lastUsedMs: number;
	/** Set once the object has ended. It must not be used any more. */
	readonly ended?: EndReason | undefined;
	/** Overrides when the alarm checks the object next. */
	readonly nextCheckMs?: number | undefined;
	/** The number of failed attempts to archive or delete the ended object. */
	readonly failures?: number | undefined;
}

/** The outcome of an alarm. `late`: the object would have expired, but its alarm fired too late. */
export type ExpiryCheck = 'ended' | 'late' | 'live';

const KEY = 'life';
/** Uses are recorded at most once per this fraction of the idle time: each record is a row write. */
const EXTENSION_PART = 1 / 10;
/** If the clock is behind the last use by more than this, it was set back. */
const CLOCK_TOLERANCE_MS = 60_000;
/** How long the client has to use the session after a late alarm. */
const GRACE_MS = 15 * 60_000;
/** How long calls in flight may continue after the client has ended the session. */
const LINGER_MS = 30_000;
const FIRST_RETRY_MS = 60_000;
const MAX_RETRY_MS = 6 * 60 * 60_000;

/** Tracks when the object expires: some time after its last use, and at latest after its first. */
export class Lifetime {
	readonly #entries: Entries;
	readonly #alarm: ObjectAlarm;
	readonly #idleMs: number;
	readonly #absoluteMs: number;
	readonly #now: () => number;
	readonly #report: (error: unknown) => void;
	#cached: LifetimeRecord | undefined;

	/** @throws {SessionStateError} if an option is not a positive number of seconds. */
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
				`settings.lifetime.${name} must be a positive number of seconds; got ${seconds}`,
			);
		}
		this.#entries = entries;
		this.#alarm = alarm;
		this.#idleMs = idleSeconds * 1000;
		this.#absoluteMs = absoluteSeconds * 1000;
		this.#now = now;
		this.#report = report;
	}

	/** Whether the object has ended and is about to be deleted. */
	get hasEnded(): boolean {
		return this.#read()?.ended !== undefined;
	}

	/** Why the object has ended; undefined if it has not. */
	get endReason(): EndReason | undefined {
		return this.#read()?.ended;
	}

	/** When the ended object is to be deleted; undefined if it has not ended. */
	get deletionMs(): number | undefined {
		return this.hasEnded ? this.endMs : undefined;
	}

	/** When the object expires unless it is used; undefined if it stores nothing. */
	get endMs(): number | undefined {
		const record = this.#read();
		return record && this.#dueMs(record);
	}

	/** Identifies the current life of the object. It survives archiving and restoring. */
	get originMs(): number | undefined {
		const record = this.#read();
		return record?.originMs ?? record?.createdMs;
	}

	/** Starts the lifetime of an object that begins to store something. */
	begin(): void {
		if (this.#read()) return;
		const nowMs = this.#now();
		this.#write({ createdMs: nowMs, lastUsedMs: nowMs });
	}

	/** Records a use of the object. */
	touch(): void {
		const record = this.#read();
		if (!record || record.ended) return;
		const nowMs = this.#now();
		if (nowMs < record.lastUsedMs - CLOCK_TOLERANCE_MS) {
			this.#report(
				new SessionStateError(
					`the clock was set back by ${Math.round((record.lastUsedMs - nowMs) / 1000)} s since a session ` +
						'was last used, so its lifetime restarts now. Nothing has expired because of it; if this ' +
						'happens again, find out what sets the clock',
				),
			);
			const createdMs = Math.min(record.createdMs, nowMs);
			this.#write({ ...record, createdMs, lastUsedMs: nowMs, nextCheckMs: undefined });
			return;
		}
		// A use after the absolute lifetime extends nothing: each would start another grace period.
		if (nowMs >= record.createdMs + this.#absoluteMs) return;
		const isWorthWriting = nowMs - record.lastUsedMs >= this.#idleMs * EXTENSION_PART;
		if (isWorthWriting || record.nextCheckMs) {
			this.#write({ ...record, lastUsedMs: nowMs, nextCheckMs: undefined });
		}
	}

	/** Ends the object. The alarm then archives or deletes it. */
	end(ended: EndReason): void {
		const record = this.#read();
		if (!record || record.ended) return;
		const nextCheckMs = this.#now() + (ended === 'by its client' ? LINGER_MS : 0);
		this.#write({ ...record, ended, nextCheckMs });
	}

	/** Schedules another attempt to archive or delete the ended object, with exponential backoff. */
	retryEnd(): void {
		const record = this.#read();
		if (!record) return;
		const { failures = 0 } = record;
		const delayMs = Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS);
		this.#write({ ...record, failures: failures + 1, nextCheckMs: this.#now() + delayMs });
	}

	/**
	 * Checks, when the alarm has fired, whether the object has expired, and ends it if so.
	 *
	 * @param isInUse whether a call is in flight or a stream is open: then only the absolute time ends it.
	 */
	checkExpiry(isInUse: boolean): ExpiryCheck {
		const record = this.#read();
		if (!record) return 'live';
		const nowMs = this.#now();
		const dueMs = this.#dueMs(record);
		if (nowMs < dueMs) {
			// An earlier deployment with a shorter lifetime has set the alarm.
			if (this.#storedDueMs() <= nowMs) this.#write(record);
			return 'live';
		}
		if (record.ended) return 'ended';
		const isLate = nowMs - dueMs > LATE_ALARM_MS && record.nextCheckMs === undefined;
		if (isInUse && nowMs < record.createdMs + this.#absoluteMs) {
			this.#write({ ...record, lastUsedMs: nowMs, nextCheckMs: undefined });
			return isLate ? 'late' : 'live';
		}
		if (!isLate) {
			this.end('expired');
			return 'ended';
		}
		this.#report(
			new SessionStateError(
				`a session should have expired ${Math.round((nowMs - dueMs) / 1000)} s ago and its alarm fired ` +
					'only now: the platform delayed it, or the clock has jumped. The session stays for ' +
					`${GRACE_MS / 1000} s more so that its client can use it; if the clock is correct, no action is needed`,
			),
		);
		this.#write({ ...record, nextCheckMs: nowMs + GRACE_MS });
		return 'late';
	}

	/** Restarts the lifetime of an object that was restored from its archive. */
	restart(): void {
		this.invalidate();
		const nowMs = this.#now();
		this.#write({ createdMs: nowMs, lastUsedMs: nowMs, originMs: this.originMs });
	}

	/** Drops the cached record after the storage was deleted or replaced. */
	invalidate(): void {
		this.#cached = undefined;
	}

	#read(): LifetimeRecord | undefined {
		if (this.#cached) return this.#cached;
		const text = this.#entries.read('meta', KEY);
		// Safe because only `#write` writes this entry.
		return (this.#cached = text === undefined ? undefined : (JSON.parse(text) as LifetimeRecord));
	}

	#storedDueMs(): number {
		return this.#entries.find('meta', KEY)?.dueMs ?? Infinity;
	}

	#write(record: LifetimeRecord): void {
		this.#cached = record;
		this.#entries.write('meta', KEY, JSON.stringify(record), this.#dueMs(record));
		this.#alarm.update();
	}

	#dueMs({ createdMs, lastUsedMs, nextCheckMs }: LifetimeRecord): number {
		return nextCheckMs ?? Math.min(lastUsedMs + this.#idleMs, createdMs + this.#absoluteMs);
	}
}
