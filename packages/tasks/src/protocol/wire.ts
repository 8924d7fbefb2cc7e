import type { JsonObject } from '@tmcp-sessions/http/internal';

import { outstandingInputs } from '../task/deliver-responses.ts';
import type { TaskRecord } from '../task/task-record.ts';

/** Returns a task as the protocol has it, without what depends on its status. */
export function wireTask(taskId: string, record: TaskRecord): JsonObject {
	const { createdAtMs, expiresAtMs, pollIntervalMs, status, statusMessage, updatedAtMs } = record;
	return {
		taskId,
		status,
		...(statusMessage !== undefined && { statusMessage }),
		createdAt: new Date(createdAtMs).toISOString(),
		lastUpdatedAt: new Date(updatedAtMs).toISOString(),
		ttlMs: expiresAtMs - createdAtMs,
		pollIntervalMs,
	};
}

/** Returns a task with its result, its error, or the server requests that wait for the client. */
export function detailedTask(taskId: string, record: TaskRecord): JsonObject {
	const task = wireTask(taskId, record);
	const { error, result, status } = record;
	// The official client requires the discriminator here too.
	if (status === 'completed') return { ...task, result: { resultType: 'complete', ...result } };
	if (status === 'failed') return { ...task, error };
	if (status === 'input_required') return { ...task, inputRequests: inputRequests(record) };
	return task;
}

/** Returns the server requests of a task that wait for the client, by their keys. */
export function inputRequests(record: Pick<TaskRecord, 'inputs'>): JsonObject {
	return Object.fromEntries(outstandingInputs(record).map(({ key, request }) => [key, request]));
}

/** Creates the notification of a change. */
export function taskNotification(taskId: string, record: TaskRecord): JsonObject {
	const params = detailedTask(taskId, record);
	return { jsonrpc: '2.0', method: 'notifications/tasks', params };
}
