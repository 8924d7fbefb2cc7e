import { withTimeout } from '@tmcp-sessions/core/backend';

import type { Entries, Entry } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';
import type { ObjectAlarm } from '../object/object-alarm.ts';

/** Does what was scheduled. Where it throws it is run again, later and later. */
export type OnSchedule = (name: string, payload: unknown) => Promise<void> | void;

interface Scheduled {
	readonly payload?: unknown;
	/** How often it has failed. */
	readonly failures: number;
}

const MAX_NAME_LENGTH = 256;
const MAX_PAYLOAD_LENGTH = 128 * 1_024;
const MAX_SCHEDULED = 1_000;
const FIRST_RETRY_MS = 2_000;
const MAX_FAILURES = 8;
/** The platform ends an alarm after 15 minutes, and lets go of one that it had to end too often. */
const LONGEST_MS = 5 * 60_000;

interface ScheduleOptions {
	readonly now: () => number;
	readonly report: (error: unknown) => void;
	/** Settles when what was written is on the disk. */
	readonly stored: () => Promise<void>;
}

/** What a session wants done at a time, by name: an object has one alarm, which they share. */
export class Schedule {
	readonly #entries: Entries;
	readonly #alarm: ObjectAlarm;
	readonly #now: () => number;
	readonly #report: (error: unknown) => void;
	readonly #stored: () => Promise<void>;

	constructor(entries: Entries, alarm: ObjectAlarm, { now, report, stored }: ScheduleOptions) {
		this.#entries = entries;
		this.#alarm = alarm;
		this.#now = now;
		this.#report = report;
		this.#stored = stored;
	}

	/**
	 * @param when in the place of when it was scheduled before; one that has passed is now.
	 * @throws {SessionStateError} for a time that is none, or what is too long or too many.
	 */
	set(name: string, when: Date | number, payload?: unknown): void {
		const atMs = typeof when === 'number' ? when : when.getTime();
		const value = JSON.stringify({ payload, failures: 0 } satisfies Scheduled);
		if (!Number.isFinite(atMs)) {
			throw new SessionStateError(
				`schedule takes a Date or milliseconds since the epoch for "${name}"; found ${String(when)}`,
			);
		}
		const isTooLong = name.length > MAX_NAME_LENGTH || value.length > MAX_PAYLOAD_LENGTH;
		if (name === '' || isTooLong) {
			throw new SessionStateError(
				`schedule takes a name of 1 to ${MAX_NAME_LENGTH} characters and a payload of at most ` +
					`${MAX_PAYLOAD_LENGTH} as JSON; found ${name.length} and ${value.length}. Keep what is larger ` +
					'in the context or in a table, and schedule its key',
			);
		}
		const isNew = this.#entries.find('schedule', name) === undefined;
		if (isNew && this.#entries.size('schedule').count >= MAX_SCHEDULED) {
			throw new SessionStateError(
				`a session has at most ${MAX_SCHEDULED} things scheduled; cancel some with unschedule, or ` +
					'keep a queue in a table and schedule its next entry alone',
			);
		}
		this.#entries.write('schedule', name, value, atMs);
		this.#alarm.update();
	}

	/** @returns whether it was scheduled. */
	cancel(name: string): boolean {
		return this.#entries.remove('schedule', name);
	}

	/** Does what is due, one after the other. One that fails or never ends holds up none of the others. */
	async run(onSchedule: OnSchedule | undefined): Promise<void> {
		for (const each of this.#entries.due('schedule', this.#now())) {
			// It may be cancelled or moved while another one is done.
			if (this.#isAsItWas(each)) await this.#do(each, onSchedule);
		}
	}

	async #do({ key: name, value }: Entry, onSchedule: OnSchedule | undefined): Promise<void> {
		// Sound: nothing but this class writes it.
		const { payload, failures } = JSON.parse(value) as Scheduled;
		if (failures >= MAX_FAILURES) return this.#drop(name);
		// Counted before, and stored: it may take its object down with it.
		const counted = this.#count(name, payload, failures);
		await this.#stored();
		try {
			if (!onSchedule) throw new SessionStateError(NOBODY);
			const work = async (): Promise<void> => onSchedule(name, payload);
			await withTimeout(LONGEST_MS, work(), () => new SessionStateError(tooLong(name)));
			// What it scheduled under its own name stays.
			if (this.#isAsItWas(counted)) this.#entries.remove('schedule', name);
		} catch (error) {
			this.#report(error);
			if (!this.#isAsItWas(counted)) return;
			if (failures + 1 >= MAX_FAILURES) this.#drop(name);
			else this.#count(name, payload, failures);
		}
	}

	/** Has it run again, later and later. */
	#count(name: string, payload: unknown, failures: number): Entry {
		const value = JSON.stringify({ payload, failures: failures + 1 } satisfies Scheduled);
		const atMs = this.#now() + FIRST_RETRY_MS * 4 ** failures;
		this.#entries.write('schedule', name, value, atMs);
		return { key: name, value, atMs };
	}

	#drop(name: string): void {
		this.#entries.remove('schedule', name);
		this.#report(new SessionStateError(`"${name}" failed ${MAX_FAILURES} times and is dropped`));
	}

	#isAsItWas({ key, value, atMs }: Entry): boolean {
		const found = this.#entries.find('schedule', key);
		return found?.value === value && found.atMs === atMs;
	}
}

function tooLong(name: string): string {
	return (
		`"${name}" took longer than ${LONGEST_MS / 1000} s, counts as failed and is run again, though it may ` +
		'still be at work; give what it waits for a time limit, or hand it to session.waitUntil'
	);
}

const NOBODY =
	'something is scheduled and nobody does it: implement onSchedule(name, payload) in your SessionObject';
