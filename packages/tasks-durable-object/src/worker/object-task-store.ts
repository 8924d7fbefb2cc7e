import { createReporter, storeOperation } from '@tmcp-sessions/core/backend';
import type { BindingRequirement, BindingUser } from '@tmcp-sessions/core/backend';
import type { ErrorReporter } from '@tmcp-sessions/core';
import { listedTask, ownerOf } from '@tmcp-sessions/tasks/backend';
import type {
	ListedTask,
	ReachedLimit,
	StopWatching,
	TaskCall,
	TaskLimits,
	TaskPatch,
	TaskRecord,
	TaskStep,
	TaskStore,
	TaskStoreCapabilities,
} from '@tmcp-sessions/tasks/backend';

import { DEFAULT_BINDING, taskBindings, taskObjects } from '../binding.ts';
import type { TaskObjectBinding } from '../binding.ts';
import { indexName } from '../index-name.ts';
import { capabilitiesWith } from '../object/local-task-store.ts';
import type { TaskObject } from '../object/task-object.ts';
import { PACKAGE } from '../package-name.ts';
import { watchTask } from './watch-task.ts';

/** Where the objects of tasks are. */
export interface TaskPlacement {
	/** A namespace of `TaskObject`, or the name of its binding. Default: `TMCP_TASK_OBJECT`. */
	readonly binding?: TaskObjectBinding | undefined;
	/** The jurisdiction of the objects. Local workerd does not implement jurisdictions. */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
	/**
	 * The name of an R2 binding of the script that exports `TaskObject`, for results of 1.85 to 16 MB.
	 * Default: they are rejected.
	 */
	readonly resultBucket?: string | undefined;
	/** Receives failures to observe a task. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}

/** Stores each task in a separate object, near the client that creates it. Strongly consistent. */
export class DurableObjectTaskStore implements TaskStore, BindingUser {
	readonly capabilities: TaskStoreCapabilities;
	readonly #placement: TaskPlacement;
	readonly #report: (error: unknown) => void;

	constructor(placement: TaskPlacement = {}) {
		this.#placement = placement;
		this.capabilities = capabilitiesWith(placement.resultBucket);
		this.#report = createReporter(placement.onError);
	}

	requiredBindings(): readonly BindingRequirement[] {
		return taskBindings(this.#placement.binding, this.#placement.resultBucket);
	}

	/** The name of the binding of the bucket for large results, if there is one. */
	get resultBucket(): string | undefined {
		return this.#placement.resultBucket;
	}

	/** Returns the id of a new object, which the platform need not look up worldwide. */
	newName(): string {
		return this.#namespace().newUniqueId().toString();
	}

	/** Returns the object of a task. */
	objectOf(name: string): DurableObjectStub<TaskObject> {
		const namespace = this.#namespace();
		return namespace.get(namespace.idFromString(name));
	}

	create(
		record: TaskRecord,
		call: TaskCall,
		limits?: TaskLimits,
	): Promise<ReachedLimit | undefined> {
		return this.#run('storing a task', async () => {
			const reached = await this.reserve(record, limits);
			if (!reached) await this.objectOf(record.name).create(record, call, this.resultBucket);
			return reached;
		});
	}

	/** Lists a task for its owner, unless a limit is reached. */
	async reserve(
		record: TaskRecord,
		limits: TaskLimits | undefined,
	): Promise<ReachedLimit | undefined> {
		const owner = ownerOf(record);
		if (owner === '') return undefined;
		return (await this.#listOf(owner)).reserve(listedTask(record), limits);
	}

	read(name: string): Promise<TaskRecord | undefined> {
		return this.#run('reading a task', () => this.objectOf(name).readTask());
	}

	readCall(name: string): Promise<TaskCall | undefined> {
		return this.#run('reading a task', () => this.objectOf(name).readCall());
	}

	update(name: string, revision: number, patch: TaskPatch): Promise<TaskRecord | undefined> {
		return this.#run('changing a task', () => this.objectOf(name).update(revision, patch));
	}

	addStep(name: string, step: TaskStep): Promise<boolean> {
		return this.#run('storing a step', () => this.objectOf(name).addStep(step));
	}

	readSteps(name: string): Promise<readonly TaskStep[]> {
		return this.#run('reading steps', () => this.objectOf(name).readSteps());
	}

	delete(name: string): Promise<void> {
		return this.#run('deleting a task', async () => {
			const record = await this.read(name);
			await this.objectOf(name).remove();
			const owner = record && ownerOf(record);
			if (owner) await (await this.#listOf(owner)).settle(name, true);
		});
	}

	list(principal: string, session?: string): Promise<readonly ListedTask[]> {
		const owner = ownerOf({ principal, session });
		return this.#run('listing tasks', async () =>
			owner === '' ? [] : (await this.#listOf(owner)).list(session),
		);
	}

	watch(name: string, listener: (record: TaskRecord) => void): Promise<StopWatching | undefined> {
		return this.#run('observing a task', () =>
			watchTask(() => this.objectOf(name), listener, this.#report),
		);
	}

	/** Returns the object that lists the tasks of an owner. */
	async #listOf(owner: string): Promise<DurableObjectStub<TaskObject>> {
		return this.#namespace().getByName(await indexName(owner));
	}

	#namespace(): DurableObjectNamespace<TaskObject> {
		const { binding = DEFAULT_BINDING, jurisdiction } = this.#placement;
		return taskObjects(binding, jurisdiction);
	}

	/** RPC types wrap each result. */
	#run<Result>(operation: string, run: () => Promise<unknown>): Promise<Result> {
		// Safe because the method of the object has this result, which is JSON.
		return storeOperation(PACKAGE, operation, run) as Promise<Result>;
	}
}
