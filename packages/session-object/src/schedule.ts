import type { Entries } from './entries.ts';
import { SessionStateError } from './errors.ts';
import type { ObjectAlarm } from './object-alarm.ts';

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

/** What a session wants done at a time, by name: an object has one alarm, which they share. */
export class Schedule {
	readonly #entries: Entries;
	readonly #alarm: ObjectAlarm;
	readonly #now: () => number;
	readonly #report: (error: unknown) => void;

	constructor(
		entries: Entries,
		alarm: ObjectAlarm,
		now: () => number,
		report: (error: unknown) => void,
	) {
		this.#entries = entries;
		this.#alarm = alarm;
		this.#now = now;
		this.#report = report;
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

	/** Does what is due, one after the other. One that fails holds up none of the others. */
	async run(onSchedule: OnSchedule | undefined): Promise<void> {
		for (const { key: name, value, atMs } of this.#entries.due('schedule', this.#now())) {
			// Sound: nothing but this class writes it.
			const { payload, failures } = JSON.parse(value) as Scheduled;
			const isUnchanged = (): boolean => {
				const found = this.#entries.find('schedule', name);
				return found?.value === value && found.atMs === atMs;
			};
			try {
				if (!onSchedule) throw new SessionStateError(NOBODY);
				await onSchedule(name, payload);
				// What it scheduled under its own name stays.
				if (isUnchanged()) this.#entries.remove('schedule', name);
			} catch (error) {
				this.#report(error);
				if (!isUnchanged()) continue;
				if (failures + 1 >= MAX_FAILURES) {
					this.#entries.remove('schedule', name);
					this.#report(
						new SessionStateError(`"${name}" failed ${MAX_FAILURES} times and is dropped`),
					);
					continue;
				}
				const again = JSON.stringify({ payload, failures: failures + 1 } satisfies Scheduled);
				const retryMs = this.#now() + FIRST_RETRY_MS * 4 ** failures;
				this.#entries.write('schedule', name, again, retryMs);
			}
		}
	}
}

const NOBODY =
	'something is scheduled and nobody does it: implement onSchedule(name, payload) in your SessionObject';
