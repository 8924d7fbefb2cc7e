import { isObject } from '@tmcp-sessions/http/internal';
import type { JsonObject, RequestContext } from '@tmcp-sessions/http/internal';

import type { TaskRecord, TaskStatus } from '../task/task-record.ts';

/** The revision whose core protocol has tasks. Later ones have the extension. */
const REVISION = '2025-11-25';
const RELATED_TASK = 'io.modelcontextprotocol/related-task';
const MAX_MESSAGE_LENGTH = 1_000;

/** Whether the client of a request is session-based and speaks the revision with tasks. */
export function speaksSessionTasks({ protocolVersion, session }: RequestContext): boolean {
	return session !== undefined && protocolVersion === REVISION;
}

/** Returns the result of `initialize` with the capability, if the negotiated revision has it. */
export function withSessionTasks(result: JsonObject): JsonObject {
	const { capabilities, protocolVersion } = result as {
		capabilities?: unknown;
		protocolVersion?: unknown;
	};
	if (protocolVersion !== REVISION) return result;
	const known = isObject(capabilities) ? capabilities : {};
	const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
	return { ...result, capabilities: { ...known, tasks } };
}

/** Returns a task as 2025-11-25 has it. There, a tool that returns an error has failed. */
export function sessionTask(taskId: string, record: TaskRecord): JsonObject {
	const { createdAtMs, expiresAtMs, pollIntervalMs, result, updatedAtMs } = record;
	const { isError } = (result ?? {}) as { isError?: unknown };
	const hasToolFailed = record.status === 'completed' && isError === true;
	const status: TaskStatus = hasToolFailed ? 'failed' : record.status;
	const statusMessage = hasToolFailed ? textIn(result) : record.statusMessage;
	return {
		taskId,
		status,
		...(statusMessage !== undefined && { statusMessage }),
		createdAt: new Date(createdAtMs).toISOString(),
		lastUpdatedAt: new Date(updatedAtMs).toISOString(),
		ttl: expiresAtMs - createdAtMs,
		pollInterval: pollIntervalMs,
	};
}

/** Returns a new task, which begins as `working` even if its call has ended already. */
export function newSessionTask(taskId: string, record: TaskRecord): JsonObject {
	const { createdAtMs: updatedAtMs } = record;
	return sessionTask(taskId, {
		...record,
		status: 'working',
		statusMessage: undefined,
		updatedAtMs,
	});
}

/** Creates the notification of a change. */
export function statusNotification(taskId: string, record: TaskRecord): JsonObject {
	const params = sessionTask(taskId, record);
	return { jsonrpc: '2.0', method: 'notifications/tasks/status', params };
}

/** Creates the progress of a task's call; `undefined` if there is none or its client has not asked for it. */
export function progressNotification(
	taskId: string,
	{ progress, progressToken, statusMessage: message }: TaskRecord,
): JsonObject | undefined {
	if (!progress || progressToken === undefined) return undefined;
	const params = withRelatedTask({ progressToken, ...progress, message }, taskId);
	return { jsonrpc: '2.0', method: 'notifications/progress', params };
}

/** Returns a result or params that name the task they belong to. */
export function withRelatedTask(of: JsonObject, taskId: string): JsonObject {
	const { _meta: metadata } = of;
	const known = isObject(metadata) ? metadata : {};
	return { ...of, _meta: { ...known, [RELATED_TASK]: { taskId } } };
}

function textIn(result: JsonObject | undefined): string | undefined {
	const { content } = (result ?? {}) as { content?: unknown };
	const texts: unknown[] = Array.isArray(content)
		? content.map((part: unknown) => (isObject(part) ? part['text'] : undefined))
		: [];
	return texts.find((text) => typeof text === 'string')?.slice(0, MAX_MESSAGE_LENGTH);
}
