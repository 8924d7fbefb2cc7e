import { TmcpSessionsError } from '@tmcp-sessions/core';
import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import type {
	ConnectedExtension,
	ExtensionHost,
	ServerExtension,
} from '@tmcp-sessions/http/internal';
import type { RedisConnection } from '@tmcp-sessions/redis';
import type { TasksOptions } from '@tmcp-sessions/tasks';
import { connectTasks, resolveTasks } from '@tmcp-sessions/tasks/backend';
import type { ResolvedTasks } from '@tmcp-sessions/tasks/backend';

import { PACKAGE } from '../package-name.ts';
import { RedisTaskStore } from '../store/redis-task-store.ts';
import { QStashTaskEngine } from './qstash-task-engine.ts';
import { SignedDeliveries } from './signed-delivery.ts';

const DEFAULT_MAX_RUN_SECONDS = 50;
const DEFAULT_RETRIES = 3;

/** Options of `QStashTasks`. */
export interface QStashTasksOptions extends TasksOptions {
	/** The public address of the route that passes its requests to `receive`. */
	readonly url: string;
	/** `QSTASH_TOKEN` of the Upstash console. */
	readonly token: string;
	/** `QSTASH_CURRENT_SIGNING_KEY`. */
	readonly currentSigningKey: string;
	/** `QSTASH_NEXT_SIGNING_KEY`. */
	readonly nextSigningKey: string;
	/** The address of QStash's API in another region. Default: `QSTASH_URL`, or that of the EU. */
	readonly baseUrl?: string | undefined;
	/**
	 * How long a delivery runs a call, from 1 to 7,200. Less than the platform lets the function run. A call
	 * that takes longer continues in another delivery, from its last step. Default: 50.
	 */
	readonly maxRunSeconds?: number | undefined;
	/** How often QStash repeats a delivery that failed, from 0 to 20, as your plan allows. Default: 3. */
	readonly retries?: number | undefined;
	/** As for `RedisTasks`. Default: `{tmcp}:`. */
	readonly prefix?: string | undefined;
}

const OPTIONS: OptionNames<QStashTasksOptions> = {
	tools: 1,
	maxRunning: 1,
	maxStored: 1,
	limitRequests: 1,
	saveContext: 1,
	context: 1,
	url: 1,
	token: 1,
	currentSigningKey: 1,
	nextSigningKey: 1,
	baseUrl: 1,
	maxRunSeconds: 1,
	retries: 1,
	prefix: 1,
};

/** Runs tasks over Redis and QStash, for functions that end with their request. */
export class QStashTasks implements ServerExtension {
	readonly #options: QStashTasksOptions;
	readonly #tasks: ResolvedTasks;
	readonly #store: RedisTaskStore;
	readonly #deliveries: SignedDeliveries;
	#connected: { readonly engine: QStashTaskEngine; readonly host: ExtensionHost } | undefined;

	/**
	 * @param redis of `connectUpstash` or `connectRedis`.
	 * @throws {TmcpSessionsError} `configuration` if a value is invalid.
	 */
	constructor(redis: RedisConnection, options: QStashTasksOptions) {
		rejectUnknownOptions(options, OPTIONS, PACKAGE, 'QStashTasks');
		checkUrl(options.url);
		for (const name of ['token', 'currentSigningKey', 'nextSigningKey'] as const) {
			if (typeof options[name] === 'string' && options[name] !== '') continue;
			throw configurationError(
				`QStashTasks needs the option ${name}; got none. Copy it from the QStash tab of the Upstash console`,
			);
		}
		checkInteger('maxRunSeconds', options.maxRunSeconds, 1, 7_200);
		checkInteger('retries', options.retries, 0, 20);
		this.#options = options;
		this.#tasks = resolveTasks(options);
		this.#store = new RedisTaskStore(redis, { prefix: options.prefix });
		this.#deliveries = new SignedDeliveries(options);
	}

	connect(host: ExtensionHost): ConnectedExtension {
		if (this.#connected) {
			throw configurationError(
				'QStashTasks serves one handler; got a second one. Create tasks with another url for it',
			);
		}
		const { baseUrl, token, url } = this.#options;
		const { maxRunSeconds = DEFAULT_MAX_RUN_SECONDS, retries = DEFAULT_RETRIES } = this.#options;
		const store = this.#store;
		const engine = new QStashTaskEngine({
			baseUrl,
			maxRunSeconds,
			retries,
			token,
			url,
			host,
			store,
			tasks: this.#tasks,
		});
		this.#connected = { engine, host };
		return connectTasks(host, this.#tasks, { store, engine });
	}

	/**
	 * Handles a request of QStash: verifies its signature and runs the call of a task. The response ends
	 * the delivery.
	 */
	async receive(request: Request): Promise<Response> {
		const delivery = await this.#deliveries.read(request);
		if (delivery instanceof Response) return delivery;
		if (!this.#connected) {
			throw configurationError(
				'QStashTasks serves no handler; pass it to createMcpHandler as the option tasks in the module of ' +
					'the route',
			);
		}
		const { engine, host } = this.#connected;
		try {
			await engine.receive(delivery);
			return new Response('done');
		} catch (error) {
			host.report(error);
			return new Response('The call could not be run; deliver it again', { status: 500 });
		}
	}
}

function checkUrl(url: unknown): void {
	const isValid = typeof url === 'string' && /^https?:\/\/[^\s?#]+$/.test(url) && URL.canParse(url);
	if (isValid) return;
	throw configurationError(
		'url must be the public address of the route that receives deliveries, such as ' +
			`https://example.com/api/tasks; got ${JSON.stringify(url)?.slice(0, 80)}`,
	);
}

function checkInteger(name: string, value: number | undefined, min: number, max: number): void {
	if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
	throw configurationError(`${name} must be an integer from ${min} to ${max}; got ${value}`);
}

function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, message);
}
