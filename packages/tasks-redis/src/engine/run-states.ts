import { retryDelayMs } from '@tmcp-sessions/tasks/backend';
import type { TaskCall, TaskRecord, TaskStep } from '@tmcp-sessions/tasks/backend';

import { asList, parse, recordIn, stepsIn } from '../store/redis-task-store.ts';
import { CLAIM, LAST_JOB, PARK, RELEASE, WAKE } from '../store/scripts.ts';
import type { TaskDatabase } from '../store/task-database.ts';

/** The delays of restarts that scripts choose from. */
const RETRY_DELAYS: readonly string[] = Array.from({ length: 10 }, (_, index) =>
	String(retryDelayMs(index + 1)),
);

/** A call that a job runs. */
export interface ClaimedCall {
	readonly record: TaskRecord;
	readonly call: TaskCall;
	/** The completed steps. */
	readonly steps: readonly TaskStep[];
	/** Whether it starts for the first time. */
	readonly isNew: boolean;
	/** How often the call has started, with this start. */
	readonly starts: number;
	/** How often it was cut off. */
	readonly interruptions: number;
	/** Whether it has stored results, from which it can be resumed. */
	readonly usesJournal: boolean;
}

/** What a job has to do: run a call, come back later, or nothing. */
export type Claim =
	{ readonly claimed: ClaimedCall } | { readonly dueMs: number } | { readonly claimed?: undefined };

/**
 * The states of runs. A task has one job at a time that may run its call, and one lease at a time that may
 * write: a run that has stalled and comes back writes nothing.
 */
export class RunStates {
	readonly #database: TaskDatabase;

	constructor(database: TaskDatabase) {
		this.#database = database;
	}

	/** Lets a job run the call, with a new lease. */
	async claim(name: string, wake: number, lease: string): Promise<Claim> {
		const reply = await this.#database.run('starting a call', CLAIM, name, [
			String(wake),
			lease,
			...RETRY_DELAYS,
		]);
		if (typeof reply === 'string') return { dueMs: Number(reply) };
		const [json, call, before, starts, interruptions, journal, steps] = asList(reply);
		const record = recordIn(json);
		if (!record || typeof call !== 'string') return {};
		const completed = stepsIn(steps);
		return {
			claimed: {
				record,
				call: parse<TaskCall>(call),
				steps: completed,
				isNew: before === 'queued',
				starts: Number(starts),
				interruptions: Number(interruptions),
				usesJournal: journal === '1' || completed.length > 0,
			},
		};
	}

	/**
	 * Notes that a call waits and has left memory. Another job continues it.
	 *
	 * @param answered the number of responses that the call has.
	 * @param dueMs when it continues. Default: when the client responds.
	 * @returns `woken` if the client has sent more responses; then the call has to go on. `lost` if the task
	 * has ended or another run holds the lease.
	 */
	async park(
		name: string,
		lease: string,
		answered: number,
		dueMs: number | undefined,
		retryMs: number,
	): Promise<'lost' | 'parked' | 'woken'> {
		const args = [lease, String(answered), String(dueMs ?? '')];
		const state = await this.#database.run('storing a task', PARK, name, args, retryMs);
		return state === 'parked' || state === 'woken' ? state : 'lost';
	}

	/** Gives up a lease, so that another job continues the call at once. Returns whether it was held. */
	async release(name: string, lease: string): Promise<boolean> {
		return (await this.#database.run('storing a task', RELEASE, name, [lease])) === 'parked';
	}

	/**
	 * Notes responses of the client.
	 *
	 * @param answered their number.
	 * @returns the number of the job that has to continue the call, if it waits.
	 */
	async wake(name: string, answered: number): Promise<number | undefined> {
		const wake = await this.#database.run('waking a task', WAKE, name, [String(answered)]);
		return typeof wake === 'string' ? Number(wake) : undefined;
	}

	/** Returns the number of the last job; `undefined` if the task is unknown. */
	async lastJob(name: string): Promise<number | undefined> {
		const wake = await this.#database.run('cancelling a task', LAST_JOB, name);
		return typeof wake === 'string' ? Number(wake) : undefined;
	}
}

/** Returns how many requests of a task the client has answered. */
export function answeredInputs({ inputs }: Pick<TaskRecord, 'inputs'>): number {
	return inputs.filter(({ response }) => response !== undefined).length;
}
