import { StoreError } from '@tmcp-sessions/core';
import { sleep } from '@tmcp-sessions/core/backend';
import { toBase64Url } from '@tmcp-sessions/core/internal';
import { redisFailure } from '@tmcp-sessions/redis';
import type { RedisSubscription } from '@tmcp-sessions/redis';
import type { StopWatching, TaskRecord } from '@tmcp-sessions/tasks/backend';

import { PACKAGE } from '../package-name.ts';
import { UNWATCH, WATCH } from './scripts.ts';
import type { TaskDatabase } from './task-database.ts';

const PROCESS_BYTES = 12;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;

/** An observer of one task. */
interface Watcher {
	readonly listener: (record: TaskRecord) => void;
	/** Records that arrived before the current one was read. Undefined afterwards. */
	held: TaskRecord[] | undefined;
	revision: number;
}

/**
 * Observes tasks over one subscription of this process. A script sends each change to the processes that
 * observe the task. A process subscribes first and reads then, so that no change falls in between; the
 * revision tells which ones it has seen. After a lost connection, it reads all of its tasks again.
 */
export class TaskWatches {
	readonly #database: TaskDatabase;
	readonly #process: string = toBase64Url(crypto.getRandomValues(new Uint8Array(PROCESS_BYTES)));
	readonly #watchers = new Map<string, Set<Watcher>>();
	#opening: Promise<RedisSubscription> | undefined;
	#isReconnecting = false;

	constructor(database: TaskDatabase) {
		this.#database = database;
	}

	/** Observes a task, as `TaskStore.watch` does. */
	async watch(
		name: string,
		listener: (record: TaskRecord) => void,
	): Promise<StopWatching | undefined> {
		const watcher: Watcher = { listener, held: [], revision: -1 };
		await this.#subscribe();
		const others = this.#watchers.get(name) ?? new Set();
		this.#watchers.set(name, others.add(watcher));
		let record: TaskRecord | undefined;
		try {
			record = await this.#read(name);
		} finally {
			if (!record) this.#remove(name, watcher);
		}
		if (!record) return undefined;
		const records = [record, ...(watcher.held ?? [])];
		watcher.held = undefined;
		for (const each of records) receive(watcher, each);
		return () => this.#remove(name, watcher);
	}

	/** Closes the subscription. */
	close(): void {
		const opening = this.#opening;
		this.#opening = undefined;
		this.#watchers.clear();
		opening?.then((subscription) => subscription.close()).catch(() => {}); // It has been reported.
	}

	async #read(name: string): Promise<TaskRecord | undefined> {
		const reply = await this.#database.run('observing a task', WATCH, name, [this.#process]);
		// Safe because the script returns a record.
		return typeof reply === 'string' ? (JSON.parse(reply) as TaskRecord) : undefined;
	}

	#remove(name: string, watcher: Watcher): void {
		const watchers = this.#watchers.get(name);
		if (!watchers?.delete(watcher) || watchers.size > 0) return;
		this.#watchers.delete(name);
		// If it fails, the process gets a change that it ignores, or the entry expires with the task.
		this.#database.run('observing a task', UNWATCH, name, [this.#process]).then(
			() => {
				// Another observer may have come meanwhile.
				if (this.#watchers.has(name)) this.#refresh(name).catch(() => {});
			},
			() => {},
		);
	}

	#subscribe(): Promise<RedisSubscription> {
		if (this.#opening) return this.#opening;
		const { prefix, redis } = this.#database;
		const opening = redis
			.subscribe(`${prefix}task-to:${this.#process}`, {
				onMessage: (message) => this.#receive(message),
				onEnd: () => {
					if (this.#opening !== opening) return;
					this.#opening = undefined;
					this.#reconnect().catch(() => {}); // It does not reject.
				},
			})
			.catch((cause: unknown) => {
				if (this.#opening === opening) this.#opening = undefined;
				throw new StoreError(PACKAGE, 'observing a task', redisFailure(cause));
			});
		this.#opening = opening;
		return opening;
	}

	/** Subscribes again, and reads all observed tasks. */
	async #reconnect(): Promise<void> {
		if (this.#isReconnecting) return;
		this.#isReconnecting = true;
		for (let pauseMs = FIRST_PAUSE_MS; this.#watchers.size > 0;) {
			try {
				await this.#subscribe();
				await Promise.all([...this.#watchers.keys()].map((name) => this.#refresh(name)));
				// It may have been lost again.
				if (this.#opening) break;
			} catch {
				// Requests report that Redis is down.
				await sleep(pauseMs);
				pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
			}
		}
		this.#isReconnecting = false;
	}

	async #refresh(name: string): Promise<void> {
		const record = await this.#read(name);
		if (record) this.#deliver(record);
	}

	#receive(message: string): void {
		// Safe because only the scripts publish to the channel of a process.
		this.#deliver(JSON.parse(message) as TaskRecord);
	}

	#deliver(record: TaskRecord): void {
		for (const watcher of this.#watchers.get(record.name) ?? []) {
			if (watcher.held) watcher.held.push(record);
			else receive(watcher, record);
		}
	}
}

/** Hands a watcher a record that is newer than the last one. */
function receive(watcher: Watcher, record: TaskRecord): void {
	if (record.revision <= watcher.revision) return;
	watcher.revision = record.revision;
	watcher.listener(record);
}
