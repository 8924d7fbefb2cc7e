import { messageFrame } from '@tmcp-sessions/core/backend';
import type { SessionInfo } from '@tmcp-sessions/core/backend';
import {
	checkMirroredHeaders,
	errorMessage,
	invalidParams,
	isObject,
	methodOf,
	paramsOf,
} from '@tmcp-sessions/http/internal';
import type {
	ExtensionHost,
	JsonObject,
	MessageServer,
	RequestContext,
	ServerInput,
} from '@tmcp-sessions/http/internal';

import type { ResolvedTasks, TaskPolicy } from '../resolve-options.ts';
import { runInTask } from '../run/current-task.ts';
import { runFirstPhase } from '../run/first-phase.ts';
import { WaitingTask } from '../run/waiting-task.ts';
import { outstandingInputs } from '../task/deliver-responses.ts';
import { listTools, unknownTools } from '../task/list-tools.ts';
import { hasEnded } from '../task/task-record.ts';
import type { TaskInput } from '../task/task-record.ts';
import { answered, CallError, response, STREAM_HEADERS } from './answered.ts';
import { declaresTasks, missingExtension, withExtension } from './extension.ts';
import { FirstPhaseState } from './first-phase-state.ts';
import {
	pollToolNames,
	startedResult,
	statusResult,
	textResult,
	withPollTools,
} from './poll-tools.ts';
import type { PollToolNames } from './poll-tools.ts';
import { requiresTask } from './session-tasks.ts';
import type { SessionTasks } from './session-tasks.ts';
import { speaksSessionTasks, withSessionTasks } from './session-wire.ts';
import { callIdentity, clientMetadataOf } from './task-service.ts';
import type { KnownTask, TaskService } from './task-service.ts';
import type { ObservedTask, TaskSubscriptions } from './task-subscriptions.ts';
import { detailedTask, inputRequests, wireTask } from './wire.ts';

/** The most tasks that one subscription observes. */
export const MAX_OBSERVED = 64;

/** What the server of tasks depends on. */
export interface TaskServerDeps<Custom> {
	readonly host: ExtensionHost;
	/** Answers what does not concern tasks. */
	readonly server: MessageServer<Custom>;
	readonly service: TaskService;
	readonly subscriptions: TaskSubscriptions;
	readonly options: ResolvedTasks;
	/** Serves the sessions of 2025-11-25. */
	readonly sessionTasks: SessionTasks;
}

/**
 * Answers the methods of tasks, turns calls into tasks, and passes every other request on. The methods
 * exist in the stateless era, and others in the sessions of 2025-11-25. Every other client gets the
 * fallback of a tool.
 */
export class TaskServer<Custom> implements MessageServer<Custom> {
	readonly statelessRevisions: readonly string[];
	readonly #deps: TaskServerDeps<Custom>;
	#pollToolNames: Promise<PollToolNames> | undefined;
	#hasCheckedNames = false;

	constructor(deps: TaskServerDeps<Custom>) {
		this.#deps = deps;
		this.statelessRevisions = deps.server.statelessRevisions;
	}

	answerDirectly(
		context: RequestContext,
		custom: Custom | undefined,
		info: SessionInfo | undefined,
	): Promise<JsonObject | undefined> | undefined {
		const { server } = this.#deps;
		const method = methodOf(context.message);
		const call = (): Promise<JsonObject | undefined> | undefined =>
			server.answerDirectly(context, custom, info);
		if (method === 'initialize') return this.#initializeDirectly(call());
		if (method === 'tools/list' && this.#changesList(context)) {
			return this.#listDirectly(context, call());
		}
		if (method !== 'tools/call') return call();
		const policy = this.#policyOf(context);
		const { task } = paramsOf(context.message);
		if (task !== undefined && !this.#mayBePollTool(context) && speaksSessionTasks(context)) {
			return this.#deps.sessionTasks
				.call(context, policy, task)
				.then((result) => (result ? response(context, result) : call()));
		}
		if (policy?.fallback === 'wait') return this.#waiting(context, call);
		const pollTool = this.#mayBePollTool(context);
		if (!policy && !pollTool) return call();
		return this.#fallback(context, policy).then((result) => {
			// `respond` asks the questions of the task, which needs a stream.
			if (result === ASKS) return undefined;
			return result ? response(context, result) : call();
		});
	}

	async respond(context: RequestContext, input: ServerInput<Custom>): Promise<Response> {
		const { server } = this.#deps;
		const method = methodOf(context.message);
		if (!context.isStateless) return this.#respondToSession(context, input);
		switch (method) {
			case 'tasks/get':
			case 'tasks/update':
			case 'tasks/cancel':
				return answered(context, () => this.#answerTaskMethod(context, method));
			case 'tools/call':
				return this.#respondToCall(context, input);
			case 'tools/list':
				return this.#listed(context, await server.respond(context, input));
			case 'server/discover': {
				const answer = await server.respond(context, input);
				return this.#changed(context, answer, async (result) => withExtension(result));
			}
			case 'subscriptions/listen':
				return this.#listen(context, input);
			case undefined:
			default:
				return server.respond(context, input);
		}
	}

	async #answerTaskMethod(context: RequestContext, method: string): Promise<JsonObject> {
		const { service } = this.#deps;
		const { inputResponses, taskId } = paramsOf(context.message) as {
			inputResponses?: unknown;
			taskId?: unknown;
		};
		if (!declaresTasks(context.message)) throw missingExtension(method);
		if (typeof taskId !== 'string') throw invalidParams('taskId must be a string', 200);
		checkMirroredHeaders(context, 'taskId', taskId);
		if (method === 'tasks/get') {
			const { record } = await service.read(context, taskId);
			return { resultType: 'complete', ...detailedTask(taskId, record) };
		}
		if (method === 'tasks/update') await service.update(context, taskId, inputResponses);
		else await service.cancel(context, taskId);
		return { resultType: 'complete' };
	}

	/** Responds to a stateless `tools/call`. */
	async #respondToCall(context: RequestContext, input: ServerInput<Custom>): Promise<Response> {
		const { host, server } = this.#deps;
		const policy = this.#policyOf(context);
		const pass = (): Promise<Response> => server.respond(context, input);
		if (!policy) {
			if (!this.#mayBePollTool(context)) return pass();
			const result = await this.#callPollTool(context);
			return result ? answered(context, async () => result) : pass();
		}
		const { name } = paramsOf(context.message) as { name?: unknown };
		// The server rejects a call without a valid name.
		if (typeof name !== 'string' || !(await host.hasTool(name))) return pass();
		const checkHeaders = async (): Promise<void> => {
			checkMirroredHeaders(context, 'name', name);
			await host.hasTool(name, context);
		};
		if (!declaresTasks(context.message)) {
			if (policy.fallback === 'wait') return this.#waiting(context, pass);
			return answered(context, async () => {
				await checkHeaders();
				return (await this.#fallback(context, policy)) ?? {};
			});
		}
		return answered(context, async () => {
			await checkHeaders();
			return policy.asksFirst
				? this.#startFirstPhase(context, input, policy)
				: this.#createTask(context, policy);
		});
	}

	/** Creates a task. Returns its result if it ends in time. */
	async #createTask(
		context: RequestContext,
		policy: TaskPolicy,
		inputs?: readonly TaskInput[],
	): Promise<JsonObject> {
		const { service } = this.#deps;
		const { record, taskId } = await service.create(context, policy, { inputs });
		const { result } = record;
		if (policy.inlineMs === 0 || record.status !== 'completed' || !result) {
			return { resultType: 'task', ...wireTask(taskId, record) };
		}
		await service.delete(record);
		return { ...result, resultType: 'complete' };
	}

	/** Runs a call until its task begins. What it asks before is settled on the original request. */
	async #startFirstPhase(
		context: RequestContext,
		{ custom }: ServerInput<Custom>,
		policy: TaskPolicy,
	): Promise<JsonObject> {
		const { host } = this.#deps;
		const state = new FirstPhaseState((to) => host.secrets(context, to));
		const inputs = await this.#settledInputs(context, state);
		const { arguments: given, name } = paramsOf(context.message);
		const { messageId = 0, origin, principal } = context;
		const outcome = await runFirstPhase(
			host,
			{
				message: {
					jsonrpc: '2.0',
					id: messageId,
					method: 'tools/call',
					params: { name, arguments: structuredClone(given) },
				},
				principal,
				auth: origin.auth ?? undefined,
				custom,
				platform: context,
				sessionInfo: clientMetadataOf(context.message),
			},
			inputs,
		);
		if (outcome.kind === 'begun') return this.#createTask(context, policy, outcome.inputs);
		if (outcome.kind === 'input') {
			const requestState = await state.seal(outcome.inputs, callIdentity(context));
			return {
				resultType: 'input_required',
				inputRequests: inputRequests(outcome),
				requestState,
			};
		}
		const { error, result } = outcome.response;
		if (isObject(error)) throw new CallError(outcome.response);
		return { ...(isObject(result) && result), resultType: 'complete' };
	}

	/** @throws {HttpRejection} -32602 if the state was changed, or belongs to another call. */
	async #settledInputs(
		context: RequestContext,
		state: FirstPhaseState,
	): Promise<readonly TaskInput[]> {
		const { inputResponses = {}, requestState } = paramsOf(context.message);
		if (requestState === undefined) return [];
		const responses = isObject(inputResponses) ? inputResponses : {};
		const isText = typeof requestState === 'string';
		const inputs = isText && (await state.open(requestState, responses, callIdentity(context)));
		if (inputs) return inputs;
		throw invalidParams(
			'requestState must be the one that the last response to this call had; call again without it',
			200,
		);
	}

	/** Answers a call for a client that does not know tasks. Returns `undefined` if the server answers. */
	async #fallback(
		context: RequestContext,
		policy: TaskPolicy | undefined,
	): Promise<JsonObject | undefined> {
		const { host, service } = this.#deps;
		const { name } = paramsOf(context.message) as { name?: unknown };
		if (!policy) return this.#callPollTool(context);
		if (policy.fallback === 'refuse') {
			if (speaksSessionTasks(context)) throw requiresTask(String(name));
			throw missingExtension(`the tool ${String(name)}`, context.isStateless ? 400 : 200);
		}
		if (typeof name !== 'string' || !(await host.hasTool(name))) return undefined;
		const names = await this.#namesOfPollTools();
		const { record, taskId } = await service.create(context, policy);
		if (policy.inlineMs === 0 || !hasEnded(record)) {
			return completeResult(context, startedResult(taskId, record, names));
		}
		await service.delete(record);
		return completeResult(context, statusResult(taskId, record, names));
	}

	#mayBePollTool(context: RequestContext): boolean {
		const { name } = paramsOf(context.message) as { name?: unknown };
		if (!this.#deps.options.hasPollTools || typeof name !== 'string') return false;
		return name.startsWith('task_status') || name.startsWith('task_cancel');
	}

	/** Runs one of the generated tools. Returns `undefined` if the call is for another tool. */
	async #callPollTool(context: RequestContext): Promise<JsonObject | undefined> {
		const { service } = this.#deps;
		const names = await this.#namesOfPollTools();
		const { arguments: given, name } = paramsOf(context.message);
		const { taskId } = (isObject(given) ? given : {}) as { taskId?: unknown };
		if (name !== names.status && name !== names.cancel) return undefined;
		try {
			if (name === names.cancel) {
				await service.cancel(context, taskId);
				return completeResult(context, textResult('The task was cancelled, unless it had ended.'));
			}
			await this.#deliverResponses(context, taskId);
			const task = await service.read(context, taskId);
			return this.#statusOf(context, task, names);
		} catch (error) {
			if (!isUnknownTask(error)) throw error;
			return completeResult(context, textResult(error.message, true));
		}
	}

	#statusOf(
		context: RequestContext,
		{ record, taskId }: KnownTask,
		names: PollToolNames,
	): JsonObject {
		if (record.status === 'input_required' && context.isStateless) {
			return { resultType: 'input_required', inputRequests: inputRequests(record) };
		}
		const { responseType, session } = context;
		const canAsk = record.status === 'input_required' && session && responseType === 'sse';
		return canAsk ? ASKS : completeResult(context, statusResult(taskId, record, names));
	}

	/** Sends a session-based client the questions of a task, delivers its responses, and responds. */
	#ask(context: RequestContext): Response {
		const { progress } = context;
		progress.markBegun();
		progress.markFrameSent();
		const encoder = new TextEncoder();
		const body = new ReadableStream<Uint8Array>({
			start: (controller) => {
				const write = (frame: object): void => {
					controller.enqueue(encoder.encode(messageFrame(frame)));
				};
				const asking = this.#askEach(context, write).then(
					(result) => write(response(context, result)),
					(error: unknown) => write(errorMessage(error, context.messageId)),
				);
				context.waitUntil(
					asking.finally(() => {
						progress.markHandled();
						controller.close();
					}),
				);
			},
		});
		return new Response(body, { headers: STREAM_HEADERS });
	}

	async #askEach(context: RequestContext, write: (frame: object) => void): Promise<JsonObject> {
		const { host, service } = this.#deps;
		const { arguments: given } = paramsOf(context.message);
		const { taskId } = (isObject(given) ? given : {}) as { taskId?: unknown };
		const { record } = await service.read(context, taskId);
		for (const { key, request } of outstandingInputs(record)) {
			const { result } = await host.sendRequest(context, request, write);
			if (result !== undefined) await service.update(context, taskId, { [key]: result });
		}
		const task = await service.read(context, taskId);
		return statusResult(task.taskId, task.record, await this.#namesOfPollTools());
	}

	/** Delivers what a stateless client answers when it calls `task_status` again. */
	async #deliverResponses(context: RequestContext, taskId: unknown): Promise<void> {
		const { inputResponses } = paramsOf(context.message) as { inputResponses?: unknown };
		if (inputResponses === undefined || !context.isStateless) return;
		await this.#deps.service.update(context, taskId, inputResponses);
	}

	async #listen(context: RequestContext, input: ServerInput<Custom>): Promise<Response> {
		const { server, service, subscriptions } = this.#deps;
		const message = isObject(input.message) ? input.message : context.message;
		const params = paramsOf(message);
		const { notifications } = params as { notifications?: unknown };
		if (!isObject(notifications) || !('taskIds' in notifications)) {
			return server.respond(context, input);
		}
		if (!declaresTasks(context.message)) throw missingExtension('notifications.taskIds');
		const { taskIds, ...others } = notifications as { readonly taskIds?: unknown };
		const ids: unknown[] = Array.isArray(taskIds) ? [...new Set(taskIds as unknown[])] : [];
		if (!Array.isArray(taskIds) || ids.length > MAX_OBSERVED) {
			const found = Array.isArray(taskIds) ? `${ids.length} ids` : typeof taskIds;
			throw invalidParams(
				`notifications.taskIds must be an array of at most ${MAX_OBSERVED} task ids; got ${found}`,
				200,
			);
		}
		const isResolved = this.#deps.host.place?.kind === 'routed' && input.message !== undefined;
		// Safe because the object that runs the server has returned them, see `honoredSubset`.
		const observed = isResolved ? (ids as ObservedTask[]) : await service.observed(context, ids);
		subscriptions.observe(context, observed);
		const forwarded = {
			...(isObject(message) && message),
			params: { ...params, notifications: others },
		};
		return server.respond(context, { ...input, message: forwarded });
	}

	async #respondToSession(context: RequestContext, input: ServerInput<Custom>): Promise<Response> {
		const { name } = paramsOf(context.message);
		const method = methodOf(context.message);
		const responding = this.#deps.sessionTasks.respond(context, method);
		if (responding) return responding;
		if (method === 'tools/call' && this.#mayBePollTool(context)) {
			if (name === (await this.#namesOfPollTools()).status) return this.#ask(context);
		}
		const answer = await this.#deps.server.respond(context, input);
		if (method === 'initialize') {
			return this.#changed(context, answer, async (result) => withSessionTasks(result));
		}
		return method === 'tools/list' ? this.#listed(context, answer) : answer;
	}

	/** Runs a call whose client waits for the response. */
	#waiting<Result>(context: RequestContext, call: () => Result): Result {
		const signal = context.origin.request?.signal ?? new AbortController().signal;
		return runInTask(new WaitingTask(this.#deps.host, signal), call);
	}

	async #initializeDirectly(
		answering: Promise<JsonObject | undefined> | undefined,
	): Promise<JsonObject | undefined> {
		const answer = await answering;
		if (!answer || !isObject(answer.result)) return answer;
		return { ...answer, result: withSessionTasks(answer.result) };
	}

	async #listDirectly(
		context: RequestContext,
		answering: Promise<JsonObject | undefined> | undefined,
	): Promise<JsonObject | undefined> {
		const answer = await answering;
		if (!answer || !isObject(answer.result)) return answer;
		return { ...answer, result: await this.#listedTools(context, answer.result) };
	}

	async #listed(context: RequestContext, answer: Response): Promise<Response> {
		if (!this.#changesList(context)) return answer;
		return this.#changed(context, answer, (result) => this.#listedTools(context, result));
	}

	#changesList(context: RequestContext): boolean {
		return this.#deps.options.hasPollTools || speaksSessionTasks(context);
	}

	/** Returns the result of `tools/list` with what its client needs to know of tasks. */
	async #listedTools(context: RequestContext, result: JsonObject): Promise<JsonObject> {
		const listed = speaksSessionTasks(context)
			? this.#deps.sessionTasks.withTaskSupport(result, context)
			: result;
		// A client that has declared the extension needs no generated tools.
		if (!this.#deps.options.hasPollTools || declaresTasks(context.message)) return listed;
		return withPollTools(listed, await this.#namesOfPollTools());
	}

	/** Changes the result of a request that sends no frames before its response. */
	async #changed(
		{ progress }: RequestContext,
		answer: Response,
		change: (result: JsonObject) => Promise<JsonObject>,
	): Promise<Response> {
		if (answer.status !== 200) return answer;
		await progress.handled;
		const { response: answered } = progress;
		if (answered && isObject(answered.result)) {
			progress.withhold({ ...answered, result: await change(answered.result) });
		}
		return answer;
	}

	#policyOf({ message, principal }: RequestContext): TaskPolicy | undefined {
		const { arguments: given, name } = paramsOf(message);
		if (typeof name !== 'string') return undefined;
		this.#checkNames();
		const call = { tool: name, arguments: isObject(given) ? given : {}, principal };
		return this.#deps.options.policyOf(call);
	}

	/** Reports configured names that the server does not have, once: they are often misspelled. */
	#checkNames(): void {
		const { host, options } = this.#deps;
		if (this.#hasCheckedNames || host.place?.kind === 'routed') return;
		this.#hasCheckedNames = true;
		unknownTools(host, options.names).then(
			(problem) => problem && host.report(problem),
			(error: unknown) => host.report(error),
		);
	}

	/** The server may get tools later; a name that is free at the first request is kept. */
	#namesOfPollTools(): Promise<PollToolNames> {
		return (this.#pollToolNames ??= listTools(this.#deps.host).then((tools) =>
			pollToolNames(new Set(tools.map(({ name }) => String(name)))),
		));
	}
}

/** Stands for the result of `task_status` if it asks the questions of the task. */
const ASKS: JsonObject = {};

function isUnknownTask(error: unknown): error is Error {
	return error instanceof Error && 'code' in error && error.code === -32602;
}

/** Returns a result as the era of its request has it. */
function completeResult({ isStateless }: RequestContext, result: JsonObject): JsonObject {
	return isStateless ? { ...result, resultType: 'complete' } : result;
}
