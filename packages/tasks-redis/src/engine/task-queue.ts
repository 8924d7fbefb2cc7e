import { StoreError, TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf, sleep, withTimeout } from '@tmcp-sessions/core/backend';
import { redisFailure, RedisTimeoutError } from '@tmcp-sessions/redis';
import type { RedisNodeClient, RedisTcpConnection } from '@tmcp-sessions/redis/tcp';
import { createNodeRedisClient, DelayedError, Queue, Worker } from 'bullmq';
import type { Job } from 'bullmq';

import { PACKAGE } from '../package-name.ts';

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;
/** How long a job waits that could not be finished. */
const RETRY_MS = 1_000;
/** The state of the run counts the attempts. */
const UNLIMITED = 1_000_000;
/** Another node serves the keys: the connections have to be opened again. */
const IS_ELSEWHERE = /\b(?:MOVED|READONLY|CLUSTERDOWN)\b/;

/** Another worker has taken over a job, or finished it. */
const IS_TAKEN_OVER = /^(?:Missing (?:key|lock)|Lock mismatch|could not renew lock)\b/;

/** The data of a job. */
interface JobData {
	readonly name: string;
	readonly wake: number;
}

/** What the worker of a queue does with a job. */
export interface QueueWorker {
	/** How many calls run at once. */
	readonly concurrency: number;
	/** How long a job that stalls stays locked, in milliseconds. */
	readonly lockMs: number;
	/** Runs a job. Returns the time at which it runs again; `undefined` if it is done. */
	run(name: string, wake: number): Promise<number | undefined>;
	/** Called if another worker may take over the job of a task. */
	onLost(name: string): void;
}

/** Where the jobs of tasks wait. */
export interface TaskQueueOptions {
	readonly redis: RedisTcpConnection;
	/** The prefix of all keys. */
	readonly prefix: string;
	/** The name of the handler. */
	readonly handler: string;
	readonly report: (error: unknown) => void;
}

type BullClient = ReturnType<typeof createNodeRedisClient>;

interface Connected {
	readonly client: RedisNodeClient;
	readonly queue: Queue<JobData>;
	readonly worker: Worker<JobData> | undefined;
}

/** The queue of BullMQ in which tasks wait for a worker, and the worker of this process. */
export class TaskQueue {
	readonly #options: TaskQueueOptions;
	#connected: Promise<Connected> | undefined;
	#worker: QueueWorker | undefined;
	#isClosed = false;
	#lastReport = '';

	constructor(options: TaskQueueOptions) {
		this.#options = options;
	}

	/** Starts the worker. Connects until Redis can be reached. */
	start(worker: QueueWorker): void {
		this.#worker = worker;
		this.#keepOpen().catch((error: unknown) => this.#report(error));
	}

	/**
	 * Adds the job of a task. Adding it again has no effect.
	 *
	 * @throws {StoreError} if Redis cannot be reached. The job may have been added.
	 */
	async add(name: string, wake: number): Promise<void> {
		await this.#attempt('starting a task', ({ queue }) =>
			queue.add('task', { name, wake }, { jobId: jobId(name, wake) }),
		);
	}

	/** Removes a job that does not run. */
	async remove(name: string, wake: number): Promise<void> {
		await this.#attempt('cancelling a task', ({ queue }) => queue.remove(jobId(name, wake)));
	}

	/**
	 * Takes no more jobs, and resolves when those that run are done, or the time is over.
	 *
	 * @param maxMs the time.
	 */
	async close(maxMs: number): Promise<void> {
		this.#isClosed = true;
		const connected = await this.#connected?.catch(() => undefined);
		this.#connected = undefined;
		if (!connected) return;
		const { client } = connected;
		// BullMQ waits for a connection that may never come.
		const closing = disconnect(connected, !client.isReady);
		await withTimeout(maxMs, closing, () => new RedisTimeoutError(maxMs)).catch(() => {
			if (client.isOpen) client.destroy();
		});
	}

	async #attempt<Result>(
		operation: string,
		run: (connected: Connected) => Promise<Result>,
	): Promise<Result> {
		const { timeoutMs } = this.#options.redis;
		const opened = this.#open();
		try {
			const running = opened.then(run);
			return await withTimeout(timeoutMs, running, () => new RedisTimeoutError(timeoutMs));
		} catch (cause) {
			throw new StoreError(PACKAGE, operation, redisFailure(cause));
		}
	}

	/** Opens the connections that the worker needs, and again after the node of the keys has changed. */
	async #keepOpen(): Promise<void> {
		for (
			let pauseMs = FIRST_PAUSE_MS;
			!this.#isClosed;
			pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
		) {
			try {
				await this.#open();
				return;
			} catch (error) {
				this.#report(error);
				await sleep(pauseMs);
			}
		}
	}

	#open(): Promise<Connected> {
		if (this.#connected) return this.#connected;
		const connected = this.#connect();
		this.#connected = connected;
		connected.catch(() => {
			if (this.#connected === connected) this.#connected = undefined;
		});
		return connected;
	}

	async #connect(): Promise<Connected> {
		const { handler, prefix, redis } = this.#options;
		const client = await redis.createClient(prefix);
		client.on('error', (error) => this.#report(error));
		const shared = { connection: createBullClient(client), prefix: `${prefix}bullmq` };
		const name = `tasks-${encodeURIComponent(handler)}`;
		const queue = new Queue<JobData>(name, {
			...shared,
			skipMetasUpdate: true,
			defaultJobOptions: {
				attempts: UNLIMITED,
				backoff: { type: 'fixed', delay: RETRY_MS },
				removeOnComplete: true,
				removeOnFail: true,
			},
		});
		queue.on('error', (error) => this.#report(error));
		const worker = this.#worker && this.#createWorker(this.#worker, name, shared);
		return { client, queue, worker };
	}

	#createWorker(
		target: QueueWorker,
		name: string,
		shared: { readonly connection: BullClient; prefix: string },
	): Worker<JobData> {
		const { concurrency, lockMs } = target;
		const worker = new Worker<JobData>(
			name,
			async (job: Job<JobData>, token) => {
				const dueMs = await target.run(job.data.name, job.data.wake);
				if (dueMs === undefined) return;
				await job.moveToDelayed(dueMs, token);
				throw new DelayedError();
			},
			{
				...shared,
				concurrency,
				runRetryDelay: RETRY_MS,
				lockDuration: lockMs,
				stalledInterval: lockMs / 2,
				maxStalledCount: UNLIMITED,
			},
		);
		worker.on('error', (error) => this.#onWorkerError(worker, error));
		worker.on('lockRenewalFailed', (ids) => {
			for (const id of ids) target.onLost(id.slice(0, id.lastIndexOf('.')));
			this.#report(
				new TmcpSessionsError(
					'task',
					PACKAGE,
					`this process did not renew its calls for ${lockMs / 1000} seconds, after which another one may ` +
						`continue its calls; found ${ids.length} of them. Keep the event loop free, or raise stalledSeconds`,
				),
			);
		});
		return worker;
	}

	#onWorkerError(worker: Worker<JobData>, error: Error): void {
		if (!IS_TAKEN_OVER.test(error.message)) this.#report(error);
		if (!IS_ELSEWHERE.test(reasonOf(error))) return;
		const connected = this.#connected;
		if (!connected) return;
		void connected
			.then(async (opened) => {
				if (opened.worker !== worker || this.#connected !== connected) return;
				this.#connected = undefined;
				await disconnect(opened, true);
				await sleep(FIRST_PAUSE_MS);
				await this.#keepOpen();
			})
			.catch((cause: unknown) => this.#report(cause));
	}

	/** Reports an error, unless the same one was reported last: connections are tried again and again. */
	#report(error: unknown): void {
		const reason = redisFailure(error);
		if (this.#isClosed || reason === this.#lastReport) return;
		this.#lastReport = reason;
		this.#options.report(
			error instanceof TmcpSessionsError ? error : new StoreError(PACKAGE, 'running tasks', reason),
		);
	}
}

/**
 * Creates the client of BullMQ. Its scripts reject after a pause: a worker repeats one at once that Redis
 * has rejected, for instance without memory (bullmq 6.7.0, `retryIfFailed`), and would keep a core busy.
 */
function createBullClient(client: RedisNodeClient): BullClient {
	const connection = createNodeRedisClient(client);
	const runCommand = connection.runCommand.bind(connection);
	connection.runCommand = async (name, args): Promise<unknown> => {
		try {
			return (await runCommand(name, args)) as unknown;
		} catch (error) {
			await sleep(FIRST_PAUSE_MS);
			throw error;
		}
	};
	return connection;
}

async function disconnect({ client, queue, worker }: Connected, isForced: boolean): Promise<void> {
	await worker?.close(isForced);
	await queue.close();
	if (client.isOpen) client.destroy();
}

function jobId(name: string, wake: number): string {
	return `${name}.${wake}`;
}
