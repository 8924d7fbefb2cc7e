import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';
import type { ExtensionHost } from '@tmcp-sessions/http/internal';
import { failTask } from '@tmcp-sessions/tasks/backend';
import type { ResolvedTasks } from '@tmcp-sessions/tasks/backend';

import { JobTaskEngine } from '../engine/job-task-engine.ts';
import type { RedisTaskStore } from '../store/redis-task-store.ts';
import { QStashQueue } from './qstash-queue.ts';
import type { QStashJob, QStashQueueOptions } from './qstash-queue.ts';
import { RunLocks } from './run-locks.ts';
import type { Delivery } from './signed-delivery.ts';

/** How long a call that was interrupted may take to end, before its delivery is answered. */
const INTERRUPT_MS = 1_000;
/** How much longer than a delivery may run its lock is held. */
const LOCK_GRACE_MS = 5_000;
const OVER = 'the time is over';

/** What an engine depends on. */
export interface QStashTaskEngineDeps extends QStashQueueOptions {
	readonly store: RedisTaskStore;
	readonly host: ExtensionHost;
	readonly tasks: ResolvedTasks;
}

/**
 * Runs tasks in deliveries of QStash. A delivery that fails is repeated by QStash, and a task whose
 * deliveries have all failed is marked as failed by its last message.
 */
export class QStashTaskEngine extends JobTaskEngine {
	readonly #deps: QStashTaskEngineDeps;
	readonly #queue: QStashQueue;
	readonly #locks: RunLocks;

	constructor(deps: QStashTaskEngineDeps) {
		const { host, maxRunSeconds, store, tasks } = deps;
		const queue = new QStashQueue(deps);
		super({ store, host, tasks, jobs: queue, maxRunSeconds });
		this.#deps = deps;
		this.#queue = queue;
		this.#locks = new RunLocks(store.database);
	}

	/** Runs what was delivered. Rejects if QStash has to deliver it again. */
	async receive({ hasFailed, job }: Delivery): Promise<void> {
		if (hasFailed) return this.#fail(job);
		const { host, maxRunSeconds, store } = this.#deps;
		const { name, wake } = job;
		const holder = crypto.randomUUID();
		const lockMs = maxRunSeconds * 1000 + INTERRUPT_MS + LOCK_GRACE_MS;
		const heldMs = await this.#locks.acquire(name, holder, lockMs);
		if (heldMs !== undefined) {
			await this.#queue.addAt(name, wake, store.database.now() + heldMs);
			return;
		}
		let dueMs: number | undefined;
		try {
			dueMs = await this.#runWithin(maxRunSeconds * 1000, job);
		} finally {
			// First, so that the next delivery finds no lock. One that is left expires.
			await this.#locks.release(name, holder).catch((error: unknown) => host.report(error));
		}
		if (dueMs !== undefined) await this.#queue.addAt(name, wake, dueMs);
	}

	/** Runs a job for a time. Returns when it continues. */
	async #runWithin(ms: number, { name, wake }: QStashJob): Promise<number | undefined> {
		let isOver = false;
		const timer = setTimeout(() => {
			isOver = true;
			this.interrupt(name);
		}, ms);
		const { now } = this.#deps.store.database;
		try {
			const running = this.runJob(name, wake);
			const dueMs = await withTimeout(ms + INTERRUPT_MS, running, () => new Error(OVER));
			return isOver ? (dueMs ?? now()) : dueMs;
		} catch (error) {
			// The call ignores its signal. It writes nothing any more.
			if (reasonOf(error) === OVER) return now();
			throw error;
		} finally {
			clearTimeout(timer);
		}
	}

	/** Fails a task whose last job QStash could not deliver. */
	async #fail({ name, wake }: QStashJob): Promise<void> {
		if ((await this.lastJob(name)) !== wake) return;
		await failTask(
			this.#deps.store,
			name,
			'The task failed: its call could not be run, also not after repeated attempts. Call the tool again',
		);
	}
}
