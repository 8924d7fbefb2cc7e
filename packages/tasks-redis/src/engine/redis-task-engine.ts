import type { ExtensionHost } from '@tmcp-sessions/http/internal';
import type { ResolvedTasks } from '@tmcp-sessions/tasks/backend';
import type { RedisTcpConnection } from '@tmcp-sessions/redis/tcp';

import type { RedisTaskStore } from '../store/redis-task-store.ts';
import { JobTaskEngine } from './job-task-engine.ts';
import { TaskQueue } from './task-queue.ts';

/** What an engine depends on. */
export interface RedisTaskEngineDeps {
	readonly redis: RedisTcpConnection;
	readonly store: RedisTaskStore;
	readonly host: ExtensionHost;
	readonly tasks: ResolvedTasks;
	/** The name of the handler that runs the calls. */
	readonly handler: string;
	/** The calls that this process runs at once. 0: none. */
	readonly concurrency: number;
	/** After which time the call of a process that has crashed continues in another one. */
	readonly stalledMs: number;
}

/** Runs tasks as jobs of BullMQ, in any process that has started a worker for the handler. */
export class RedisTaskEngine extends JobTaskEngine {
	readonly #deps: RedisTaskEngineDeps;
	readonly #queue: TaskQueue;
	#hasWorker = false;

	constructor(deps: RedisTaskEngineDeps) {
		const { handler, host, redis, store, tasks } = deps;
		const { prefix } = store.database;
		const report = (error: unknown): void => host.report(error);
		const queue = new TaskQueue({ redis, prefix, handler, report });
		super({ store, host, tasks, jobs: queue, maxRunSeconds: null });
		this.#deps = deps;
		this.#queue = queue;
	}

	/** Connects, and runs calls from now on. Idempotent. */
	startWorker(): void {
		const { concurrency, stalledMs } = this.#deps;
		if (this.#hasWorker || concurrency === 0) return;
		this.#hasWorker = true;
		this.#queue.start({
			concurrency,
			lockMs: stalledMs,
			run: (name, wake) => this.runJob(name, wake),
			onLost: (name) => this.lose(name),
		});
	}

	/**
	 * Takes no more jobs. Calls that have not ended after a time continue in another process.
	 *
	 * @param graceMs the time.
	 */
	async close(graceMs: number): Promise<void> {
		this.#hasWorker = true; // A request that comes later starts none.
		const timer = setTimeout(() => this.releaseAll(), graceMs);
		try {
			// The last commands may have to wait for Redis.
			await this.#queue.close(graceMs + 2 * this.#deps.redis.timeoutMs);
		} finally {
			clearTimeout(timer);
		}
	}
}
