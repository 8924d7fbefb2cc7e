import {
	HttpRejection,
	invalidParams,
	isObject,
	metadataOf,
	paramsOf,
} from '@tmcp-sessions/http/internal';
import type {
	ClientResponse,
	ExtensionHost,
	JsonObject,
	RequestContext,
} from '@tmcp-sessions/http/internal';

import type { ResolvedTasks, TaskPolicy } from '../resolve-options.ts';
import { hasEnded } from '../task/task-record.ts';
import { answered, CallError } from './answered.ts';
import { finalResponse, ResultWait } from './result-wait.ts';
import { newSessionTask, sessionTask, speaksSessionTasks } from './session-wire.ts';
import { taskOfRequest } from './task-requests.ts';
import { unknownTask } from './task-service.ts';
import type { TaskService } from './task-service.ts';

const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
/** The shortest time for which a task is kept. */
const MIN_TTL_MS = 1_000;
/** Each task on a page is one read. */
const PAGE_SIZE = 10;
/** The most requests of this isolate that wait for the result of one task. */
const MAX_WAITS = 8;
/** Takes the place of a response that is an error or invalid. */
const NO_ANSWER = { action: 'cancel' };

/** What the tasks of sessions depend on. */
export interface SessionTasksDeps {
	readonly host: Pick<ExtensionHost, 'hasTool' | 'report'>;
	readonly service: TaskService;
	readonly options: ResolvedTasks;
	readonly now: () => number;
}

/**
 * Serves tasks to session-based clients of 2025-11-25, whose core protocol has them as an experiment. A
 * task belongs to its session and its principal.
 */
export class SessionTasks {
	readonly #deps: SessionTasksDeps;
	readonly #waits = new Map<string, ResultWait[]>();

	constructor(deps: SessionTasksDeps) {
		this.#deps = deps;
	}

	/** Answers a method of tasks. Returns `undefined` for any other request. */
	respond(context: RequestContext, method: string | undefined): Promise<Response> | undefined {
		if (!method?.startsWith('tasks/') || !speaksSessionTasks(context)) return undefined;
		switch (method) {
			case 'tasks/get':
				return answered(context, async () => {
					const { record, taskId } = await this.#read(context, 'get');
					return sessionTask(taskId, record);
				});
			case 'tasks/list':
				return answered(context, () => this.#list(context));
			case 'tasks/cancel':
				return answered(context, () => this.#cancel(context));
			case 'tasks/result':
				return this.#respondWithResult(context);
			default:
				return undefined;
		}
	}

	/**
	 * Answers a call with `params.task`. Returns `undefined` if the server rejects it.
	 *
	 * @param policy undefined if calls of the tool do not become tasks.
	 * @throws {HttpRejection} -32601 if the tool exists and has no policy; -32602 if `task` is invalid.
	 */
	async call(
		context: RequestContext,
		policy: TaskPolicy | undefined,
		task: unknown,
	): Promise<JsonObject | undefined> {
		const { host, service } = this.#deps;
		const { name } = paramsOf(context.message);
		if (typeof name !== 'string' || !(await host.hasTool(name))) return undefined;
		if (!policy) {
			const message = `The tool ${name} cannot run as a task; call it without task`;
			throw new HttpRejection(200, METHOD_NOT_FOUND, message);
		}
		const ttlMs = ttlOf(task, policy);
		const { progressToken } = metadataOf(context.message) ?? {};
		const isToken = typeof progressToken === 'string' || typeof progressToken === 'number';
		const { record, taskId } = await service.create(context, policy, {
			inlineMs: 0,
			ttlMs,
			session: context.sessionId,
			progressToken: isToken ? progressToken : undefined,
		});
		return { task: newSessionTask(taskId, record) };
	}

	/** Takes the response to a question of a task. Returns `undefined` for any other response. */
	takeResponse(context: RequestContext, received: ClientResponse): Promise<void> | undefined {
		const asked = taskOfRequest(received.id);
		if (!asked || !speaksSessionTasks(context)) return undefined;
		return this.#deliver(context, asked, received);
	}

	/** Returns the result of `tools/list` with the `taskSupport` of each tool. */
	withTaskSupport(result: JsonObject, { principal }: RequestContext): JsonObject {
		const { tools } = result;
		if (!Array.isArray(tools)) return result;
		const supported = (tools as unknown[]).map((tool) => {
			const { execution, name } = (isObject(tool) ? tool : {}) as {
				execution?: unknown;
				name?: unknown;
			};
			const taskSupport = this.#supportOf(name, principal);
			if (!isObject(tool) || taskSupport === undefined) return tool;
			const known = isObject(execution) ? execution : {};
			return { ...tool, execution: { ...known, taskSupport } };
		});
		return { ...result, tools: supported };
	}

	/** A function of the call is asked about a call without arguments. */
	#supportOf(tool: unknown, principal: string): 'optional' | 'required' | undefined {
		const { host, options } = this.#deps;
		if (typeof tool !== 'string') return undefined;
		try {
			const policy = options.policyOf({ tool, arguments: {}, principal });
			if (!policy) return undefined;
			return policy.fallback === 'refuse' ? 'required' : 'optional';
		} catch (error) {
			host.report(error);
			return undefined;
		}
	}

	async #cancel(context: RequestContext): Promise<JsonObject> {
		const { service } = this.#deps;
		const { record, taskId } = await this.#read(context, 'cancel');
		if (!hasEnded(record)) await service.cancelNamed(record.name);
		const ended = hasEnded(record) ? record : await service.current(record.name);
		if (!ended) throw unknownTask();
		if (ended !== record && ended.status === 'cancelled') return sessionTask(taskId, ended);
		const message = `Cannot cancel the task: it is ${ended.status} already`;
		throw new HttpRejection(200, INVALID_PARAMS, message);
	}

	/** Pages are in the order of the names, which are random. */
	async #list(context: RequestContext): Promise<JsonObject> {
		const { service } = this.#deps;
		const { cursor } = paramsOf(context.message);
		const after = cursor === undefined ? '' : await service.nameOf(context, cursor, 'session');
		if (after === undefined) {
			throw invalidParams('cursor must be the nextCursor of an earlier tasks/list', 200);
		}
		const names = (await service.list(context)).filter((name) => name > after).toSorted();
		const page = names.slice(0, PAGE_SIZE);
		const tasks: JsonObject[] = [];
		let nextCursor: string | undefined;
		// One after the other: each may have a large result.
		for (const name of page) {
			const record = await service.current(name);
			nextCursor = await service.idOf(context, name, 'session');
			if (record) tasks.push(sessionTask(nextCursor, record));
		}
		const hasMore = names.length > page.length;
		return { tasks, ...(hasMore && { nextCursor }) };
	}

	async #respondWithResult(context: RequestContext): Promise<Response> {
		const { now, service } = this.#deps;
		const task = await this.#read(context, 'result');
		const { record, taskId } = task;
		if (hasEnded(record)) {
			return answered(context, async () => {
				throw new CallError(finalResponse(context, taskId, record));
			});
		}
		const { name } = record;
		const waits = this.#waits.get(name) ?? [];
		this.#waits.set(name, waits);
		const wait = new ResultWait({ context, service, task, now });
		waits.push(wait);
		if (waits.length > MAX_WAITS) waits.shift()?.end('Newer requests wait for this task');
		return wait.respond(() => {
			const index = waits.indexOf(wait);
			if (index !== -1) waits.splice(index, 1);
			if (waits.length === 0 && this.#waits.get(name) === waits) this.#waits.delete(name);
		});
	}

	async #deliver(
		context: RequestContext,
		{ key, taskId }: { readonly key: string; readonly taskId: string },
		{ result }: ClientResponse,
	): Promise<void> {
		const { service } = this.#deps;
		const name = await service.nameOf(context, taskId, 'session');
		if (name === undefined) return;
		const answer = isObject(result) ? result : NO_ANSWER;
		const { invalid } = await service.deliver(name, { [key]: answer });
		// The tool gets an error unless it has sent an elicitation, which was cancelled then.
		if (invalid !== undefined) await service.deliver(name, { [key]: NO_ANSWER });
	}

	async #read(
		context: RequestContext,
		kind: 'cancel' | 'get' | 'result',
	): ReturnType<TaskService['read']> {
		const { taskId } = paramsOf(context.message) as { taskId?: unknown };
		if (typeof taskId !== 'string') throw invalidParams('taskId must be a string', 200);
		return this.#deps.service.read(context, taskId, kind, 'session');
	}
}

/** Creates the rejection of a call without `params.task` whose tool requires it. */
export function requiresTask(tool: string): HttpRejection {
	const message = `The tool ${tool} requires a task: send params.task with the call`;
	return new HttpRejection(200, METHOD_NOT_FOUND, message);
}

/**
 * Returns for how long to keep a task: as long as its client wants to, within the limits of its tool.
 *
 * @throws {HttpRejection} -32602 if `task` is invalid.
 */
function ttlOf(task: unknown, { ttlMs }: TaskPolicy): number {
	const { ttl = ttlMs } = (isObject(task) ? task : {}) as { ttl?: unknown };
	if (!isObject(task) || typeof ttl !== 'number' || !(ttl >= 0)) {
		throw invalidParams('task must be an object, and its ttl a number of milliseconds from 0', 200);
	}
	return Math.min(Math.max(Math.round(ttl), MIN_TTL_MS), ttlMs);
}
