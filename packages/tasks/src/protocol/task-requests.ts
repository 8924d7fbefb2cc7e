import { isObject } from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';

import type { TaskInput } from '../task/task-record.ts';
import { withRelatedTask } from './session-wire.ts';

const PREFIX = 'task';
const ID = new RegExp(`^${PREFIX} (?<key>[\\w-]+) (?<taskId>\\S+) [\\w-]+$`);

/**
 * Creates the server request for a question of a task. Its id names the task, so that every isolate can
 * deliver the response, also after the stream was lost. It differs each time that the question is sent.
 */
export function taskRequest(taskId: string, { key, request }: TaskInput): JsonObject {
	const { method, params } = request;
	return {
		jsonrpc: '2.0',
		id: `${PREFIX} ${key} ${taskId} ${crypto.randomUUID()}`,
		method,
		params: withRelatedTask(isObject(params) ? params : {}, taskId),
	};
}

/** Returns the task and the key in the id of such a request; `undefined` for any other id. */
export function taskOfRequest(
	id: number | string,
): { readonly taskId: string; readonly key: string } | undefined {
	// Hot path: most ids belong to calls.
	if (typeof id !== 'string' || !id.startsWith(PREFIX)) return undefined;
	const { key, taskId } = ID.exec(id)?.groups ?? {};
	return key === undefined || taskId === undefined ? undefined : { key, taskId };
}
