import { hashText, MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
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

import { PastStates } from './past-states.ts';
import { ResultBucket } from './result-bucket.ts';
import type { StoredRecord, TaskStorage } from './task-storage.ts';

/** The rest of a record: question texts, the status message and past states. */
const RECORD_BYTES = 50_000;
const MAX_INLINE_BYTES = MAX_ROW_BYTES - RECORD_BYTES;
/** A result travels in one RPC, which may have 32 MiB. */
const MAX_BUCKET_BYTES = 16_000_000;
const RESULT_KEY = 'result';

/** Returns what stores in objects guarantee. */
export function capabilitiesWith(bucket: string | undefined): TaskStoreCapabilities {
	const maxResultBytes = bucket === undefined ? MAX_INLINE_BYTES : MAX_BUCKET_BYTES;
	return { consistency: 'strong', maxResultBytes };
}

/** What the store of an object depends on. */
export interface LocalTaskStoreDeps {
	readonly storage: TaskStorage;
	/** The id of the object. */
	readonly id: string;
	readonly env: object;
	readonly now: () => number;
	/** Called in the turn of each change. */
	readonly onChange: (record: TaskRecord) => void;
}

/** The store of the only task of an object. */
export class LocalTaskStore implements Omit<TaskStore, 'create' | 'list' | 'newName'> {
	readonly #deps: LocalTaskStoreDeps;
	#record: StoredRecord | undefined;

	constructor(deps: LocalTaskStoreDeps) {
		this.#deps = deps;
	}

	get capabilities(): TaskStoreCapabilities {
		return capabilitiesWith(this.#deps.storage.readBucket());
	}

	/** Returns the task without a result that is in the bucket, whether it has expired or not. */
	get stored(): TaskRecord | undefined {
		return this.#stored();
	}

	/** Returns the task without a result that is in the bucket, unless it has expired. */
	get live(): TaskRecord | undefined {
		const record = this.stored;
		return record && record.expiresAtMs > this.#deps.now() ? record : undefined;
	}

	/** @param bucket the name of the binding of the bucket for large results. */
	async create(record: TaskRecord, call: TaskCall, bucket?: string): Promise<void> {
		// An RPC that was repeated finds the task of the first one.
		if (this.stored) return;
		const { storage } = this.#deps;
		storage.writeRecord(record);
		storage.writeCall(call);
		if (bucket !== undefined) storage.writeBucket(bucket);
		this.#record = record;
	}

	async read(): Promise<TaskRecord | undefined> {
		const record = this.live;
		return record && (await this.#withResult(record));
	}

	/**
	 * Returns the states of the task after a revision, in order, the current one last. Older states than
	 * the last 32 are left out.
	 */
	async readSince(revision: number | undefined): Promise<readonly TaskRecord[]> {
		const record = await this.read();
		if (!record) return [];
		const past = PastStates.of(this.#stored());
		return revision === undefined ? [record] : [...past.recordsAfter(revision, record), record];
	}

	async readCall(): Promise<TaskCall | undefined> {
		return this.live && this.#deps.storage.readCall();
	}

	async update(_name: string, revision: number, patch: TaskPatch): Promise<TaskRecord | undefined> {
		if (!this.#canChange(revision)) return undefined;
		const isLarge = isTooLarge(patch.result);
		if (isLarge) await this.#bucket()?.put(RESULT_KEY, patch.result);
		// Another change may have come meanwhile.
		const record = this.#canChange(revision);
		if (!record) return undefined;
		const { now, onChange, storage } = this.#deps;
		const past = PastStates.of(record).with(record);
		const changed = patchedRecord(withoutPast(record), patch, now());
		const kept = isLarge ? { ...changed, result: undefined, isResultInBucket: true } : changed;
		this.#record = { ...kept, past: past.states };
		storage.writeRecord(this.#record);
		onChange(changed);
		return changed;
	}

	async addStep(_name: string, step: TaskStep): Promise<boolean> {
		if (!isTooLarge(step.value)) return this.#insertStep(step);
		const key = `step/${await hashText(step.name)}`;
		await this.#bucket()?.put(key, step.value);
		return this.#insertStep({ ...step, value: undefined, bucketKey: key });
	}

	async readSteps(): Promise<readonly TaskStep[]> {
		if (!this.live) return [];
		const steps = this.#deps.storage.readSteps().map(async ({ bucketKey, ...step }) => {
			if (bucketKey === undefined) return step;
			return { ...step, value: await this.#bucket()?.get(bucketKey) };
		});
		return Promise.all(steps);
	}

	/** Forgets the task, whose rows the caller deletes, and deletes what is in the bucket. */
	async delete(): Promise<void> {
		await this.#bucket()?.clear();
		this.#record = undefined;
	}

	/** Tasks are watched by sockets. */
	async watch(): Promise<StopWatching | undefined> {
		return undefined;
	}

	#stored(): StoredRecord | undefined {
		return (this.#record ??= this.#deps.storage.readRecord());
	}

	/** Returns the task if a change of this revision may be made. */
	#canChange(revision: number): StoredRecord | undefined {
		const record = this.live && this.#stored();
		return record && record.revision === revision && !hasEnded(record) ? record : undefined;
	}

	async #withResult(record: StoredRecord): Promise<TaskRecord> {
		const { isResultInBucket, ...rest } = withoutPast(record);
		if (!isResultInBucket) return rest;
		// Safe because `update` has stored it.
		const result = (await this.#bucket()?.get(RESULT_KEY)) as TaskRecord['result'];
		return { ...rest, result };
	}

	#insertStep(step: TaskStep & { readonly bucketKey?: string }): boolean {
		const record = this.live;
		if (!record || hasEnded(record)) return false;
		this.#deps.storage.addStep(step);
		return true;
	}

	#bucket(): ResultBucket | undefined {
		const { env, id, storage } = this.#deps;
		const name = storage.readBucket();
		return name === undefined ? undefined : new ResultBucket(name, id, env);
	}
}

function withoutPast({ past: _past, ...record }: StoredRecord): StoredRecord {
	return record;
}

/** Hot path: most results are small. */
function isTooLarge(value: unknown): boolean {
	if (value === undefined) return false;
	const text = JSON.stringify(value) ?? '';
	return (
		text.length * 3 > MAX_INLINE_BYTES && new TextEncoder().encode(text).length > MAX_INLINE_BYTES
	);
}
