import { channels, createTaskIds } from '@tmcp-sessions/core/internal';
import type { TaskIds } from '@tmcp-sessions/core/internal';
import {
	CLIENT_CAPABILITIES_KEY,
	CLIENT_INFO_KEY,
	HttpRejection,
	invalidParams,
	isObject,
	LOG_LEVEL_KEY,
	metadataOf,
	paramsOf,
} from '@tmcp-sessions/http/internal';
import type { ExtensionHost, JsonObject, RequestContext } from '@tmcp-sessions/http/internal';

import type { TaskRequest } from '../options.ts';
import type { ResolvedTasks, TaskPolicy } from '../resolve-options.ts';
import { keptMetadata } from '../run/task-run.ts';
import { taskError } from '../task-error.ts';
import { jsonProblem } from '../task/json.ts';
import type { TaskEngine, TaskStart } from '../task/task-engine.ts';
import { hasEnded, ownerOf } from '../task/task-record.ts';
import type { TaskCall, TaskInput, TaskRecord } from '../task/task-record.ts';
import type { ReachedLimit, TaskStore } from '../task/task-store.ts';
import { PollTimes } from './poll-limits.ts';
import type { ObservedTask } from './task-subscriptions.ts';

/** A task, and the id by which its client knows it. */
export interface KnownTask {
	readonly taskId: string;
	readonly record: TaskRecord;
}

/** Whom a task belongs to: its principal, or the session of its principal. */
export type TaskScope = 'principal' | 'session';

/** How a task is created. */
export interface NewTask {
	/** The server requests that were settled before. */
	readonly inputs?: readonly TaskInput[] | undefined;
	/** Default: as the policy says. */
	readonly inlineMs?: number | undefined;
	/** Default: as the policy says. */
	readonly ttlMs?: number | undefined;
	/** As in the record. */
	readonly session?: string | undefined;
	/** As in the record. */
	readonly progressToken?: number | string | undefined;
}

/** What a service of tasks depends on. */
export interface TaskServiceDeps {
	readonly host: ExtensionHost;
	readonly store: TaskStore;
	readonly engine: TaskEngine;
	readonly options: ResolvedTasks;
	readonly now: () => number;
}

/** Creates tasks and finds them again, for the requests of their principals. */
export class TaskService {
	readonly #deps: TaskServiceDeps;
	readonly #polls = new PollTimes();
	#ids: { readonly of: string; readonly ids: TaskIds } | undefined;

	constructor(deps: TaskServiceDeps) {
		this.#deps = deps;
	}

	/**
	 * Creates a task for a call, and starts it.
	 *
	 * @throws {HttpRejection} 429 if the principal has too many tasks, or sends too many requests.
	 */
	async create(
		context: RequestContext,
		policy: TaskPolicy,
		task: NewTask = {},
	): Promise<KnownTask> {
		const { inlineMs = policy.inlineMs, inputs = [], ttlMs = policy.ttlMs } = task;
		const { progressToken, session } = task;
		const { engine, now, options, store } = this.#deps;
		const { principal } = context;
		await this.#limit({ kind: 'create', principal, taskId: undefined, isEarly: false });
		const { name: tool } = paramsOf(context.message) as { name?: unknown };
		const name = store.newName();
		const scope = session === undefined ? 'principal' : 'session';
		const taskId = await this.idOf(context, name, scope);
		const createdAtMs = now();
		const record: TaskRecord = {
			name,
			revision: 0,
			principal,
			...(session !== undefined && { session }),
			...(progressToken !== undefined && { progressToken }),
			tool: String(tool),
			status: 'working',
			attempts: 0,
			inputs,
			createdAtMs,
			updatedAtMs: createdAtMs,
			expiresAtMs: createdAtMs + ttlMs,
			pollIntervalMs: policy.pollIntervalMs,
		};
		const start: TaskStart = {
			record,
			call: await this.#callOf(context),
			waitMs: inlineMs,
			limits: ownerOf(record) === '' ? undefined : options.limits,
		};
		const started = await engine.start(start);
		if ('limit' in started) throw this.#limitReached(started.limit);
		if (channels.task.hasSubscribers) {
			channels.task.publish({ action: 'created', tool: record.tool });
		}
		return { taskId, record: started.record };
	}

	/**
	 * Finds the task of a request.
	 *
	 * @throws {HttpRejection} -32602 if the task is unknown, or belongs to another principal.
	 */
	async read(
		context: RequestContext,
		taskId: unknown,
		kind: 'cancel' | 'get' | 'result' = 'get',
		scope: TaskScope = 'principal',
	): Promise<KnownTask> {
		const { now, store } = this.#deps;
		const name = await this.nameOf(context, taskId, scope);
		const record = name === undefined ? undefined : await store.read(name);
		if (!record) throw unknownTask();
		const isEarly =
			kind === 'get' && this.#polls.isEarly(record.name, now(), record.pollIntervalMs);
		const { principal } = context;
		await this.#limit({ kind, principal, taskId: String(taskId), isEarly });
		const { engine } = this.#deps;
		const checked = engine.check && !hasEnded(record) ? await engine.check(record) : record;
		return { taskId: String(taskId), record: checked };
	}

	/** Returns a task as it is now; `undefined` if it has expired. */
	current(name: string): Promise<TaskRecord | undefined> {
		return this.#deps.store.read(name);
	}

	/** Observes a task, as `TaskStore.watch` does. */
	watch(name: string, listener: (record: TaskRecord) => void): ReturnType<TaskStore['watch']> {
		return this.#deps.store.watch(name, listener);
	}

	/** Returns the names of the tasks of a session. */
	async list({ principal, sessionId }: RequestContext): Promise<readonly string[]> {
		await this.#limit({ kind: 'list', principal, taskId: undefined, isEarly: false });
		const listed = await this.#deps.store.list(principal, sessionId);
		return listed.map(({ name }) => name);
	}

	/** Delivers responses, as `TaskEngine.deliver` does. */
	deliver(name: string, responses: JsonObject): ReturnType<TaskEngine['deliver']> {
		return this.#deps.engine.deliver(name, responses);
	}

	/** Cancels a task, as `TaskEngine.cancel` does. */
	cancelNamed(name: string): Promise<boolean> {
		return this.#deps.engine.cancel(name);
	}

	/**
	 * Delivers the responses of a client to the server requests of a task.
	 *
	 * @throws {HttpRejection} -32602 if the task is unknown, or a response is invalid.
	 */
	async update(context: RequestContext, taskId: unknown, responses: unknown): Promise<void> {
		const name = await this.nameOf(context, taskId);
		if (name === undefined) throw unknownTask();
		if (!isObject(responses)) {
			throw invalidParams(
				'inputResponses must be an object with a response for each key of inputRequests',
				200,
			);
		}
		const { principal } = context;
		await this.#limit({ kind: 'update', principal, taskId: String(taskId), isEarly: false });
		const { invalid, isKnown } = await this.#deps.engine.deliver(name, responses);
		if (!isKnown) throw unknownTask();
		if (invalid !== undefined) throw invalidParams(invalid, 200);
	}

	/** @throws {HttpRejection} -32602 if the task is unknown. */
	async cancel(context: RequestContext, taskId: unknown): Promise<void> {
		const name = await this.nameOf(context, taskId);
		if (name === undefined) throw unknownTask();
		const { principal } = context;
		await this.#limit({ kind: 'cancel', principal, taskId: String(taskId), isEarly: false });
		if (!(await this.#deps.engine.cancel(name))) throw unknownTask();
	}

	/** Deletes a task whose client has its result and no id. */
	async delete(record: TaskRecord): Promise<void> {
		await this.#deps.store.delete(record.name);
	}

	/** Returns the name in an id that was issued to the client of a request. Needs no storage. */
	async nameOf(
		context: RequestContext,
		taskId: unknown,
		scope: TaskScope = 'principal',
	): Promise<string | undefined> {
		return this.#nameIn(taskId, holderOf(context, scope), context);
	}

	/** Returns the id by which the client of a request knows a task. */
	idOf(context: RequestContext, name: string, scope: TaskScope): Promise<string> {
		return this.#idsOf(context, 'seal').issue(name, holderOf(context, scope));
	}

	/** Returns the tasks of a principal among these ids, to observe them. Needs no storage. */
	async observed(
		{ principal }: Pick<RequestContext, 'principal'>,
		ids: readonly unknown[],
	): Promise<ObservedTask[]> {
		const known = ids.map(async (taskId) => {
			const name = await this.#nameIn(taskId, principal);
			return name === undefined ? [] : [{ taskId: String(taskId), name }];
		});
		return (await Promise.all(known)).flat();
	}

	async #nameIn(
		taskId: unknown,
		holder: string,
		context?: RequestContext,
	): Promise<string | undefined> {
		if (typeof taskId !== 'string') return undefined;
		return this.#idsOf(context, 'open').nameOf(taskId, holder);
	}

	#idsOf(context: RequestContext | undefined, to: 'open' | 'seal'): TaskIds {
		const secrets = this.#deps.host.secrets(context, to);
		const of = secrets.join();
		if (this.#ids?.of !== of) this.#ids = { of, ids: createTaskIds(secrets) };
		return this.#ids.ids;
	}

	async #callOf(context: RequestContext): Promise<TaskCall> {
		const { isStateless, message, origin, sessionId } = context;
		const { arguments: given } = paramsOf(message) as { arguments?: unknown };
		const { host, options } = this.#deps;
		const { saveContext } = options;
		const saved: unknown = origin.request && (await saveContext?.(origin.request, origin.auth));
		const problem = jsonProblem(saved, 'the saved context');
		if (problem) {
			throw taskError(
				`saveContext must return JSON, which is stored with the task; found ${problem}`,
			);
		}
		if (origin.request && containsToken(saved, origin.request)) {
			throw taskError(
				'saveContext must return no tokens, which would be stored with the task; found the access token of ' +
					'the request. Return what identifies the user, and get a separate token in tasks.context, or seal ' +
					'this one with createTokenSeal',
			);
		}
		return {
			arguments: isObject(given) ? given : undefined,
			metadata: keptMetadata(message),
			session: isStateless ? clientMetadataOf(message) : await host.clientMetadata(context),
			sessionId: isStateless ? undefined : sessionId,
			context: saved,
		};
	}

	async #limit(request: TaskRequest): Promise<void> {
		const seconds = await this.#deps.options.limitRequests?.(request);
		if (seconds === undefined) return;
		throw tooMany('Too many requests for tasks', Math.max(1, Math.ceil(seconds)));
	}

	#limitReached(limit: ReachedLimit): HttpRejection {
		const { running, stored } = this.#deps.options.limits;
		return limit === 'running'
			? tooMany(`At most ${running} tasks may run at once; wait for one or cancel one`, 10)
			: tooMany(`At most ${stored} tasks are kept; wait until one expires`, 60);
	}
}

/** Returns whom the ids of tasks are bound to. */
function holderOf({ principal, sessionId }: RequestContext, scope: TaskScope): string {
	// Differs from every principal, which is a JSON array.
	return scope === 'session' ? `session ${sessionId} ${principal}` : principal;
}

/** Whether a text of a value has the bearer token of a request. */
function containsToken(saved: unknown, { headers }: Request): boolean {
	const [, token] = /^Bearer +(\S+)/i.exec(headers.get('authorization') ?? '') ?? [];
	return token !== undefined && saved !== undefined && JSON.stringify(saved).includes(token);
}

/** Creates the same rejection for tasks that are forged, foreign and expired. */
export function unknownTask(): HttpRejection {
	return new HttpRejection(
		200,
		-32602,
		'Task not found: the id is invalid, the task has expired, or it belongs to another client',
	);
}

function tooMany(message: string, retryAfterSeconds: number): HttpRejection {
	const headers = { 'Retry-After': String(retryAfterSeconds) };
	return new HttpRejection(429, -32000, message, { headers });
}

/** Returns what a stateless client declares about itself with each request. */
export function clientMetadataOf(message: unknown): TaskCall['session'] {
	const metadata = metadataOf(message) ?? {};
	// Safe because the server checks them again when the call runs.
	return {
		clientInfo: metadata[CLIENT_INFO_KEY],
		clientCapabilities: metadata[CLIENT_CAPABILITIES_KEY],
		logLevel: metadata[LOG_LEVEL_KEY],
	} as TaskCall['session'];
}

/** Returns the fields of a call by which the rounds of one call recognize each other. */
export function callIdentity({ message, principal }: RequestContext): string {
	const { name, arguments: given } = paramsOf(message);
	return JSON.stringify([principal, name, given]);
}
