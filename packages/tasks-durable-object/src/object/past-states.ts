import type { TaskInput, TaskRecord, TaskStatus } from '@tmcp-sessions/tasks/backend';

const MAX_STATES = 32;
/** What the record's row reserves for them. */
const MAX_CHARACTERS = 8_000;

/** A state that a task had before, as far as observers see it. */
export interface PastState {
	readonly revision: number;
	readonly status: TaskStatus;
	readonly statusMessage?: string | undefined;
	readonly updatedAtMs: number;
	/** Set if the task waited for the client. */
	readonly inputs?: readonly TaskInput[] | undefined;
}

/**
 * The states that a task had before. They are in the row of the record, and cost no write of their own. An
 * observer whose socket was lost, such as by a restart of the object, gets those that it has missed.
 */
export class PastStates {
	readonly states: readonly PastState[];

	private constructor(states: readonly PastState[]) {
		this.states = states;
	}

	static of(record: { readonly past?: readonly PastState[] | undefined } | undefined): PastStates {
		return new PastStates(record?.past ?? []);
	}

	/** Returns these states and the current one, which is about to change. */
	with(record: TaskRecord): PastStates {
		const { inputs, revision, status, statusMessage, updatedAtMs } = record;
		const isWaiting = status === 'input_required';
		const current = { revision, status, statusMessage, updatedAtMs };
		const states = [...this.states, isWaiting ? { ...current, inputs } : current];
		while (states.length > MAX_STATES || isTooLong(states)) states.shift();
		return new PastStates(states);
	}

	/** Returns the task as it was in each state after a revision. */
	recordsAfter(revision: number, record: TaskRecord): TaskRecord[] {
		return this.states
			.filter((state) => state.revision > revision && state.revision < record.revision)
			.map(({ inputs = [], revision: past, status, statusMessage, updatedAtMs }) => ({
				...record,
				revision: past,
				status,
				statusMessage,
				updatedAtMs,
				inputs,
				result: undefined,
				error: undefined,
			}));
	}
}

function isTooLong(states: readonly PastState[]): boolean {
	return states.length > 0 && JSON.stringify(states).length > MAX_CHARACTERS;
}
