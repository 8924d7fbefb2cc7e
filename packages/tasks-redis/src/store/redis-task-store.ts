import { hashText, MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import { toBase64Url } from '@tmcp-sessions/core/internal';
import type { RedisConnection, RedisReply } from '@tmcp-sessions/redis';
import { hasEnded, ownerOf } from '@tmcp-sessions/tasks/backend';
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

import {
	ADD_STEP,
	CREATE,
	DELETE,
	LIST,
	MARK_JOURNAL,
	READ,
	READ_CALL,
	READ_STEPS,
	UPDATE,
} from './scripts.ts';
import { TaskDatabase } from './task-database.ts';
import type { RedisTaskStoreOptions } from './task-database.ts';
import { TaskWatches } from './task-watches.ts';

const NAME_BYTES = 24;

/** What stores in Redis guarantee: results are limited as in Durable Objects, so that tools can move. */
const CAPABILITIES: TaskStoreCapabilities = {
	consistency: 'strong',
	maxResultBytes: MAX_ROW_BYTES - 50_000,
};

/** The run that changes a task. */
export interface TaskWriter {
	/** Only the run that holds the lease may write. */
	readonly lease: string;
	/** How long to wait for a lost connection to come back. */
	readonly retryMs: number;
}

/**
 * Stores tasks in Redis. Each operation is one script, and atomic. Redis replicates asynchronously: a
 * failover may lose writes that were confirmed.
 */
export class RedisTaskStore implements TaskStore {
	readonly capabilities: TaskStoreCapabilities = CAPABILITIES;
	/** The database, for an engine that keeps the state of runs with the tasks. */
	readonly database: TaskDatabase;
	readonly #watches: TaskWatches;

	/** @throws {TmcpSessionsError} `configuration` if the prefix is invalid. */
	constructor(redis: RedisConnection, options: RedisTaskStoreOptions = {}) {
		this.database = new TaskDatabase(redis, options);
		this.#watches = new TaskWatches(this.database);
	}

	newName(): string {
		return toBase64Url(crypto.getRandomValues(new Uint8Array(NAME_BYTES)));
	}

	async create(
		record: TaskRecord,
		call: TaskCall,
		limits?: TaskLimits,
	): Promise<ReachedLimit | undefined> {
		const { createdAtMs, expiresAtMs, name, pollIntervalMs, principal, tool, ...others } = record;
		const { progressToken, session, ...fields } = others;
		const base = {
			name,
			principal,
			session,
			progressToken,
			tool,
			createdAtMs,
			expiresAtMs,
			pollIntervalMs,
		};
		const owner = ownerOf(record);
		const reached = await this.database.run('creating a task', CREATE, name, [
			JSON.stringify(base),
			JSON.stringify(call),
			String(expiresAtMs),
			owner && (await hashText(owner)),
			session === undefined ? '' : await hashText(session),
			String(limits?.running ?? ''),
			String(limits?.stored ?? ''),
			...storedFields(fields),
		]);
		return reached === 'running' || reached === 'stored' ? reached : undefined;
	}

	async read(name: string, retryMs?: number): Promise<TaskRecord | undefined> {
		return recordIn(await this.database.run('reading a task', READ, name, [], retryMs));
	}

	async readCall(name: string): Promise<TaskCall | undefined> {
		const call = await this.database.run('reading a task', READ_CALL, name);
		return typeof call === 'string' ? parse<TaskCall>(call) : undefined;
	}

	async update(name: string, revision: number, patch: TaskPatch): Promise<TaskRecord | undefined> {
		const changed = await this.write(name, revision, patch);
		return changed === 'lost' ? undefined : changed;
	}

	/** Changes a task as `update` does. Returns `lost` if another run holds the lease. */
	async write(
		name: string,
		revision: number,
		patch: TaskPatch,
		writer?: TaskWriter,
	): Promise<TaskRecord | 'lost' | undefined> {
		const ends = patch.status !== undefined && hasEnded({ status: patch.status });
		const changed = await this.database.run(
			'changing a task',
			UPDATE,
			name,
			[
				String(revision),
				crypto.randomUUID(),
				writer?.lease ?? '',
				ends ? '1' : '',
				...storedFields(patch),
			],
			writer?.retryMs,
		);
		return changed === 'lost' ? 'lost' : recordIn(changed);
	}

	async addStep(name: string, step: TaskStep): Promise<boolean> {
		return (await this.writeStep(name, step)) === true;
	}

	/** Stores a step as `addStep` does. Returns `lost` if another run holds the lease. */
	async writeStep(name: string, step: TaskStep, writer?: TaskWriter): Promise<boolean | 'lost'> {
		const stored = await this.database.run(
			'storing a step',
			ADD_STEP,
			name,
			[writer?.lease ?? '', step.name, JSON.stringify(step)],
			writer?.retryMs,
		);
		return stored === 'lost' ? 'lost' : stored === 1;
	}

	/** Notes that a call stores results, from which it can be resumed. Returns `lost` as `writeStep` does. */
	async markJournal(name: string, writer: TaskWriter): Promise<boolean | 'lost'> {
		const stored = await this.database.run(
			'storing a step',
			MARK_JOURNAL,
			name,
			[writer.lease],
			writer.retryMs,
		);
		return stored === 'lost' ? 'lost' : stored === 1;
	}

	async readSteps(name: string): Promise<readonly TaskStep[]> {
		return stepsIn(await this.database.run('reading the steps of a task', READ_STEPS, name));
	}

	async delete(name: string): Promise<void> {
		await this.database.run('deleting a task', DELETE, name);
	}

	async list(principal: string, session?: string): Promise<readonly ListedTask[]> {
		const owner = ownerOf({ principal, session });
		if (owner === '') return [];
		const of = session === undefined ? '' : await hashText(session);
		const listed = await this.database.run('listing tasks', LIST, await hashText(owner), [of]);
		const [all, running] = asList(listed).map(asList);
		const names = new Set(running);
		return (all ?? []).flatMap((name, index, list) => {
			if (typeof name !== 'string' || index % 2 !== 0) return [];
			const expiresAtMs = Number(list[index + 1]);
			const task = { name, hasEnded: !names.has(name), expiresAtMs };
			return [session === undefined ? task : { ...task, session }];
		});
	}

	watch(name: string, listener: (record: TaskRecord) => void): Promise<StopWatching | undefined> {
		return this.#watches.watch(name, listener);
	}

	/** Closes the subscription of this process. The next `watch` opens it again. */
	close(): void {
		this.#watches.close();
	}
}

/** Returns the fields that have a value and their JSON in turn. */
function storedFields(fields: object): string[] {
	return Object.entries(fields).flatMap(([field, value]) =>
		value === undefined ? [] : [field, JSON.stringify(value)],
	);
}

/** Returns the record in a reply; `undefined` if there is none. */
export function recordIn(reply: RedisReply | undefined): TaskRecord | undefined {
	return typeof reply === 'string' ? parse<TaskRecord>(reply) : undefined;
}

/** Returns the steps in a reply, in the order in which they started. */
export function stepsIn(reply: RedisReply | undefined): readonly TaskStep[] {
	return asList(reply)
		.map((text) => parse<TaskStep>(String(text)))
		.toSorted((one, other) => one.index - other.index);
}

/** Returns the items of a reply. */
export function asList(reply: RedisReply | undefined): readonly RedisReply[] {
	return Array.isArray(reply) ? (reply as readonly RedisReply[]) : [];
}

/** Safe because a script has returned what this store has written. */
export function parse<Value>(text: string): Value {
	return JSON.parse(text) as Value;
}
