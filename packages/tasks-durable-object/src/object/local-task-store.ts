import { MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import { hasEnded, patchedRecord } from '@tmcp-sessions/tasks/backend';
import type {
	StopWatching,
	TaskCall,
	TaskPatch,
	TaskRecord,
	TaskStep,
	TaskStore,
	TaskStoreCapabilities,
} from '@tmcp-sessions/tasks/backend';

import type { TaskStorage } from './task-storage.ts';

/** The rest of a record: question texts and the status message. */
const RECORD_BYTES = 50_000;
/** What stores in objects guarantee. */
export const CAPABILITIES: TaskStoreCapabilities = {
	consistency: 'strong',
	maxResultBytes: MAX_ROW_BYTES - RECORD_BYTES,
};

/** The store of the only task of an object. */
export class LocalTaskStore implements Omit<TaskStore, 'list' | 'newName'> {
	readonly capabilities: TaskStoreCapabilities = CAPABILITIES;
	readonly #storage: TaskStorage;
	readonly #now: () => number;
	readonly #onChange: (record: TaskRecord) => void;
	#record: TaskRecord | undefined;

	/** @param onChange called in the turn of each change. */
	constructor(storage: TaskStorage, now: () => number, onChange: (record: TaskRecord) => void) {
		this.#storage = storage;
		this.#now = now;
		this.#onChange = onChange;
	}

	/** Returns the task, whether it has expired or not. */
	get stored(): TaskRecord | undefined {
		return (this.#record ??= this.#storage.readRecord());
	}

	/** Returns the task, unless it has expired. */
	get live(): TaskRecord | undefined {
		const record = this.stored;
		return record && record.expiresAtMs > this.#now() ? record : undefined;
	}

	async create(record: TaskRecord, call: TaskCall): Promise<undefined> {
		// An RPC that was repeated finds the task of the first one.
		if (this.stored) return;
		this.#storage.writeRecord(record);
		this.#storage.writeCall(call);
		this.#record = record;
	}

	async read(): Promise<TaskRecord | undefined> {
		return this.live;
	}

	async readCall(): Promise<TaskCall | undefined> {
		return this.live && this.#storage.readCall();
	}

	async update(_name: string, revision: number, patch: TaskPatch): Promise<TaskRecord | undefined> {
		const record = this.live;
		if (!record || record.revision !== revision || hasEnded(record)) return undefined;
		const changed = patchedRecord(record, patch, this.#now());
		this.#storage.writeRecord(changed);
		this.#record = changed;
		this.#onChange(changed);
		return changed;
	}

	async addStep(_name: string, step: TaskStep): Promise<boolean> {
		const record = this.live;
		if (!record || hasEnded(record)) return false;
		this.#storage.addStep(step);
		return true;
	}

	async readSteps(): Promise<readonly TaskStep[]> {
		return this.live ? this.#storage.readSteps() : [];
	}

	async delete(): Promise<void> {
		this.#record = undefined;
	}

	/** Tasks are watched by sockets. */
	async watch(): Promise<StopWatching | undefined> {
		return undefined;
	}
}
