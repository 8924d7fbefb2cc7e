import type { TaskCall, TaskRecord, TaskStep } from '@tmcp-sessions/tasks/backend';

import type { CallTarget } from '../wire.ts';
import type { PastState } from './past-states.ts';

/** The record, and what its row has besides. */
export interface StoredRecord extends TaskRecord {
	/** The states before, the oldest first. */
	readonly past?: readonly PastState[] | undefined;
	readonly isResultInBucket?: boolean | undefined;
}

/** A step, whose value may be in the bucket. */
export interface StoredStep extends TaskStep {
	readonly bucketKey?: string | undefined;
}

/** How far the run of a task has come. */
export interface RunState extends CallTarget {
	/**
	 * `queued`, not started yet; `running`, in an instance of the object; `waiting`, for the client or a
	 * time, so that a new instance may start the call again without an interruption.
	 */
	readonly phase: 'queued' | 'running' | 'waiting';
	/** When the alarm goes on with the run. Null: not before the client responds. */
	readonly dueMs: number | null;
	/** Whether the call has stored results, from which it can be resumed. */
	readonly usesJournal: boolean;
	/** How often the call has started. */
	readonly starts: number;
	/** How often the call was cut off. */
	readonly interruptions: number;
}

const STEP = 'step:';

/** The rows of one task, in one table. The first write creates it. */
export class TaskStorage {
	readonly #sql: SqlStorage;
	#hasTable = false;
	#bucket: { readonly name: string | undefined } | undefined;

	constructor(sql: SqlStorage) {
		this.#sql = sql;
	}

	readRecord(): StoredRecord | undefined {
		return this.#read<StoredRecord>('record');
	}

	readCall(): TaskCall | undefined {
		return this.#read<TaskCall>('call');
	}

	readRun(): RunState | undefined {
		return this.#read<RunState>('run');
	}

	writeRecord(record: StoredRecord): void {
		this.#write('record', record);
	}

	/** Returns the name of the binding of the bucket for large results. */
	readBucket(): string | undefined {
		return (this.#bucket ??= { name: this.#read<string>('bucket') }).name;
	}

	writeBucket(name: string): void {
		this.#bucket = { name };
		this.#write('bucket', name);
	}

	writeCall(call: TaskCall): void {
		this.#write('call', call);
	}

	writeRun(run: RunState): void {
		this.#write('run', run);
	}

	/** Stores a step. One of the same name stays as it is. */
	addStep(step: StoredStep): void {
		this.#createTable();
		this.#sql.exec(
			'INSERT OR IGNORE INTO tmcp_task (key, value) VALUES (?, ?)',
			STEP + step.name,
			JSON.stringify(step),
		);
	}

	readSteps(): StoredStep[] {
		if (!this.#exists()) return [];
		return this.#sql
			.exec<{ value: string }>("SELECT value FROM tmcp_task WHERE key >= 'step:' AND key < 'step;'")
			.toArray()
			.map(({ value }) => JSON.parse(value) as StoredStep) // Safe because `addStep` has written it.
			.toSorted((one, other) => one.index - other.index);
	}

	#read<Value>(key: string): Value | undefined {
		if (!this.#exists()) return undefined;
		const [row] = this.#sql
			.exec<{ value: string }>('SELECT value FROM tmcp_task WHERE key = ?', key)
			.toArray();
		return row && (JSON.parse(row.value) as Value); // Safe because `#write` has written it.
	}

	#write(key: string, value: unknown): void {
		this.#createTable();
		this.#sql.exec(
			'INSERT OR REPLACE INTO tmcp_task (key, value) VALUES (?, ?)',
			key,
			JSON.stringify(value),
		);
	}

	/** An object that is addressed for a task that never existed writes nothing. */
	#exists(): boolean {
		this.#hasTable ||=
			this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'tmcp_task'").toArray().length > 0;
		return this.#hasTable;
	}

	#createTable(): void {
		if (this.#exists()) return;
		this.#sql.exec('CREATE TABLE tmcp_task (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID');
		this.#hasTable = true;
	}

	/** Call it after all data was deleted. */
	forget(): void {
		this.#hasTable = false;
		this.#bucket = undefined;
	}
}
