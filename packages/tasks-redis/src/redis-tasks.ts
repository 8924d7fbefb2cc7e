import { TmcpSessionsError } from '@tmcp-sessions/core';
import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import type {
	ConnectedExtension,
	ExtensionHost,
	MessageServer,
	ServerExtension,
} from '@tmcp-sessions/http/internal';
import type { RedisTcpConnection } from '@tmcp-sessions/redis/tcp';
import type { TasksOptions } from '@tmcp-sessions/tasks';
import { connectTasks, resolveTasks } from '@tmcp-sessions/tasks/backend';
import type { ResolvedTasks } from '@tmcp-sessions/tasks/backend';

import { RedisTaskEngine } from './engine/redis-task-engine.ts';
import { PACKAGE } from './package-name.ts';
import { RedisTaskStore } from './store/redis-task-store.ts';

const DEFAULT_NAME = 'default';
const DEFAULT_CONCURRENCY = 100;
const DEFAULT_STALLED_SECONDS = 30;
const DEFAULT_GRACE_SECONDS = 10;

/** Options of `RedisTasks`. */
export interface RedisTasksOptions extends TasksOptions {
	/**
	 * The prefix of all keys and channels. Deployments with different prefixes share nothing. On a cluster it
	 * contains a hash tag. Default: `{tmcp}:`.
	 */
	readonly prefix?: string | undefined;
	/**
	 * Tells the handlers of one prefix apart. A running task needs a worker of its name: do not change it.
	 * Default: `default`.
	 */
	readonly name?: string | undefined;
	/**
	 * The calls that this process runs at once, at most 10,000. 0: none, it only starts tasks and answers
	 * their clients. Default: 100.
	 */
	readonly concurrency?: number | undefined;
	/**
	 * How long a process may not renew the calls that it runs, from 1 to 3,600. Then the call continues
	 * in another one. Default: 30.
	 */
	readonly stalledSeconds?: number | undefined;
}

const OPTIONS: OptionNames<RedisTasksOptions> = {
	tools: 1,
	maxRunning: 1,
	maxStored: 1,
	limitRequests: 1,
	saveContext: 1,
	context: 1,
	prefix: 1,
	name: 1,
	concurrency: 1,
	stalledSeconds: 1,
};

/**
 * Runs tasks on Redis and BullMQ, for processes that live on. Each process runs calls from its first
 * request or `start` on, and a call survives the crash of its process.
 */
export class RedisTasks implements ServerExtension {
	readonly #redis: RedisTcpConnection;
	readonly #options: RedisTasksOptions;
	readonly #tasks: ResolvedTasks;
	readonly #store: RedisTaskStore;
	readonly #engines = new Set<RedisTaskEngine>();

	/**
	 * @param redis of `connectRedis`, which the other managers of the process may share.
	 * @throws {TmcpSessionsError} `configuration` if a value is invalid.
	 */
	constructor(redis: RedisTcpConnection, options: RedisTasksOptions) {
		const { concurrency, stalledSeconds } = options;
		rejectUnknownOptions(options, OPTIONS, PACKAGE, 'RedisTasks');
		if (!('createClient' in redis)) {
			throw configurationError(
				'RedisTasks needs a connection of connectRedis: its workers wait for jobs over TCP; got another one',
			);
		}
		checkNumber('concurrency', concurrency, 0, 10_000);
		checkNumber('stalledSeconds', stalledSeconds, 1, 3_600);
		this.#redis = redis;
		this.#options = options;
		this.#tasks = resolveTasks(options);
		this.#store = new RedisTaskStore(redis, { prefix: options.prefix });
	}

	connect(host: ExtensionHost): ConnectedExtension {
		const { concurrency = DEFAULT_CONCURRENCY, name = DEFAULT_NAME } = this.#options;
		const { stalledSeconds = DEFAULT_STALLED_SECONDS } = this.#options;
		const store = this.#store;
		const engine = new RedisTaskEngine({
			redis: this.#redis,
			store,
			host,
			tasks: this.#tasks,
			handler: name,
			concurrency,
			stalledMs: stalledSeconds * 1000,
		});
		this.#engines.add(engine);
		const connected = connectTasks(host, this.#tasks, { store, engine });
		return {
			...connected,
			wrapServer: (server) => startedByRequests(connected.wrapServer(server), engine),
		};
	}

	/**
	 * Runs calls from now on. The first request does the same: call it, after the handler was created, in a
	 * process that gets no requests, or that shall continue calls before its first one.
	 */
	start(): void {
		for (const engine of this.#engines) engine.startWorker();
	}

	/**
	 * Takes no more calls, and closes the connections of tasks. Call it before the process ends, for
	 * instance on SIGTERM: calls that have not ended then continue in another process at once.
	 *
	 * @param graceSeconds how long the calls may take. Default: 10.
	 */
	async close(graceSeconds: number = DEFAULT_GRACE_SECONDS): Promise<void> {
		const closing = [...this.#engines].map((engine) => engine.close(graceSeconds * 1000));
		this.#engines.clear();
		await Promise.all(closing);
		this.#store.close();
	}
}

/** Starts the worker with the first request: a build that imports the module has no Redis. */
function startedByRequests<Custom>(
	server: MessageServer<Custom>,
	engine: RedisTaskEngine,
): MessageServer<Custom> {
	return {
		statelessRevisions: server.statelessRevisions,
		answerDirectly(context, custom, info) {
			engine.startWorker();
			return server.answerDirectly(context, custom, info);
		},
		respond(context, input) {
			engine.startWorker();
			return server.respond(context, input);
		},
	};
}

function checkNumber(name: string, value: number | undefined, min: number, max: number): void {
	if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
	throw configurationError(`${name} must be an integer from ${min} to ${max}; got ${value}`);
}

function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, message);
}
