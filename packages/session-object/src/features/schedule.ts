import { withTimeout } from '@tmcp-sessions/core/backend';

import type { Entry } from '../storage/entry.ts';
import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';
import type { ObjectAlarm } from '../storage/object-alarm.ts';

/** Runs a scheduled job. If it throws, the job is retried with increasing delays. */
export type OnSchedule = (name: string, payload: unknown) => Promise<void> | void;

/** The stored form of a scheduled job. */
interface Job {
	readonly payload?: unknown;
	/** The number of times that the job has failed. */
	readonly failures: number;
}

const MAX_NAME_LENGTH = 256;
const MAX_PAYLOAD_LENGTH = 128 * 1_024;
const MAX_JOBS = 1_000;
const FIRST_RETRY_MS = 2_000;
const MAX_FAILURES = 8;
/** The platform terminates an alarm handler after 15 minutes and stops retrying after a few times. */
const JOB_TIMEOUT_MS = 5 * 60_000;

interface ScheduleOptions {
	readonly now: () => number;
	readonly report: (error: unknown) => void;
	/** Resolves after the preceding writes have reached the disk. */
	readonly synced: () => Promise<void>;
}

/** Runs a session's named jobs at their times. All of them share the object's single alarm. */
export class Schedule {
	readonly #entries: Entries;
	readonly #alarm: ObjectAlarm;
	readonly #options: ScheduleOptions;

	constructor(entries: Entries, alarm: ObjectAlarm, options: ScheduleOptions) {
		this.#entries = entries;
		this.#alarm = alarm;
		this.#options = options;
	}

	/**
	 * Schedules a job. Replaces the one of the same name.
	 *
	 * @param when a time in the past runs the job at once.
	 * @throws {SessionStateError} if the time is invalid or a limit is exceeded.
	 */
	set(name: string, when: Date | number, payload?: unknown): void {
		const dueMs = typeof when === 'number' ? when : when.getTime();
		const value = JSON.stringify({ payload, failures: 0 } satisfies Job);
		if (!Number.isFinite(dueMs)) {
			throw new SessionStateError(
				`schedule("${name}") requires a Date or milliseconds since the epoch; got ${String(when)}`,
			);
		}
		const isTooLong = name.length > MAX_NAME_LENGTH || value.length > MAX_PAYLOAD_LENGTH;
		if (name === '' || isTooLong) {
			throw new SessionStateError(
				`schedule requires a name of 1 to ${MAX_NAME_LENGTH} characters and a payload of at most ` +
					`${MAX_PAYLOAD_LENGTH} characters as JSON; got ${name.length} and ${value.length}. Store larger ` +
					'data in the context or in a table, and schedule its key',
			);
		}
		const isNew = this.#entries.find('schedule', name) === undefined;
		if (isNew && this.#entries.size('schedule').count >= MAX_JOBS) {
			throw new SessionStateError(
				`a session can schedule at most ${MAX_JOBS} jobs; cancel some with unschedule, or keep a queue ` +
					'in a table and schedule only its next entry',
			);
		}
		this.#entries.write('schedule', name, value, dueMs);
		this.#alarm.update();
	}

	/** @returns whether the job was scheduled. */
	cancel(name: string): boolean {
		return this.#entries.remove('schedule', name);
	}

	/** Runs the due jobs one after the other. A job that fails or hangs does not block the others. */
	async run(onSchedule: OnSchedule | undefined): Promise<void> {
		for (const entry of this.#entries.due('schedule', this.#options.now())) {
			// An earlier job may have cancelled or moved this one.
			if (this.#isUnchanged(entry)) await this.#runJob(entry, onSchedule);
		}
	}

	async #runJob({ key: name, value }: Entry, onSchedule: OnSchedule | undefined): Promise<void> {
		// Safe because only this class writes these entries.
		const { payload, failures } = JSON.parse(value) as Job;
		if (failures >= MAX_FAILURES) return this.#drop(name);
		// Counts the attempt on disk before it starts: the job may terminate its object.
		const retry = this.#scheduleRetry(name, payload, failures);
		await this.#options.synced();
		try {
			if (!onSchedule) throw new SessionStateError(NOT_IMPLEMENTED);
			const promise = (async () => onSchedule(name, payload))();
			await withTimeout(JOB_TIMEOUT_MS, promise, () => new SessionStateError(timedOut(name)));
			// Keeps an entry that the job itself has scheduled under its own name.
			if (this.#isUnchanged(retry)) this.#entries.remove('schedule', name);
		} catch (error) {
			this.#options.report(error);
			if (!this.#isUnchanged(retry)) return;
			if (failures + 1 >= MAX_FAILURES) this.#drop(name);
			else this.#scheduleRetry(name, payload, failures);
		}
	}

	#scheduleRetry(name: string, payload: unknown, failures: number): Entry {
		const value = JSON.stringify({ payload, failures: failures + 1 } satisfies Job);
		const dueMs = this.#options.now() + FIRST_RETRY_MS * 4 ** failures;
		this.#entries.write('schedule', name, value, dueMs);
		return { key: name, value, dueMs };
	}

	#drop(name: string): void {
		this.#entries.remove('schedule', name);
		this.#options.report(
			new SessionStateError(
				`the job "${name}" failed ${MAX_FAILURES} times and is not retried again`,
			),
		);
	}

	#isUnchanged({ key, value, dueMs }: Entry): boolean {
		const entry = this.#entries.find('schedule', key);
		return entry?.value === value && entry.dueMs === dueMs;
	}
}

function timedOut(name: string): string {
	return (
		`the job "${name}" took longer than ${JOB_TIMEOUT_MS / 1000} s, counts as failed and is retried, ` +
		'although it may still be running; set a timeout for what it waits for, or move it to session.waitUntil'
	);
}

const NOT_IMPLEMENTED =
	'a job is due and cannot run: implement onSchedule(name, payload) in your SessionObject';
