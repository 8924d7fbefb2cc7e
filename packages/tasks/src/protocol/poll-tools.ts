import type { JsonObject } from '@tmcp-sessions/http/internal';

import { outstandingInputs } from '../task/deliver-responses.ts';
import type { TaskRecord } from '../task/task-record.ts';

/** The names of the generated tools. */
export interface PollToolNames {
	readonly status: string;
	readonly cancel: string;
}

const TASK_ID = { type: 'string', description: 'The id that the call returned' };
const INPUT_SCHEMA = { type: 'object', properties: { taskId: TASK_ID }, required: ['taskId'] };

/** Returns names that no tool of the server has. */
export function pollToolNames(taken: ReadonlySet<string>): PollToolNames {
	const free = (name: string): string => {
		let candidate = name;
		for (let number = 2; taken.has(candidate); number++) candidate = `${name}_${number}`;
		return candidate;
	};
	return { status: free('task_status'), cancel: free('task_cancel') };
}

/** Returns the generated tools as `tools/list` has them. */
function pollTools({ status, cancel }: PollToolNames): JsonObject[] {
	return [
		{
			name: status,
			title: 'Status of a task',
			description:
				'Returns the progress of a long-running call, or its result once it has completed. ' +
				'Call it again after the time that it names.',
			inputSchema: INPUT_SCHEMA,
			annotations: { readOnlyHint: true, openWorldHint: false },
		},
		{
			name: cancel,
			title: 'Cancel a task',
			description: 'Cancels a long-running call. A call that has ended stays as it is.',
			inputSchema: INPUT_SCHEMA,
			annotations: { idempotentHint: true, openWorldHint: false },
		},
	];
}

/** Returns the result of `tools/list` with the generated tools on its last page. */
export function withPollTools(result: JsonObject, names: PollToolNames): JsonObject {
	const { nextCursor, tools } = result as { nextCursor?: unknown; tools?: unknown };
	if (nextCursor !== undefined || !Array.isArray(tools)) return result;
	return { ...result, tools: [...(tools as unknown[]), ...pollTools(names)] };
}

/** Creates the result of a call that has started a task. */
export function startedResult(
	taskId: string,
	record: TaskRecord,
	names: PollToolNames,
): JsonObject {
	return textResult(
		`Started ${record.tool} as the task ${taskId}. Call ${names.status} with this taskId in ` +
			`${seconds(record)} for its progress and its result, or ${names.cancel} to cancel it.`,
	);
}

/** Creates the result of `task_status`. */
export function statusResult(taskId: string, record: TaskRecord, names: PollToolNames): JsonObject {
	const { error, result, status, statusMessage, tool } = record;
	if (status === 'completed') return result ?? textResult(`${tool} has completed.`);
	if (status === 'cancelled') return textResult(`${tool} was cancelled.`, true);
	if (status === 'failed') {
		return textResult(`${tool} has failed: ${error?.message ?? 'unknown error'}`, true);
	}
	if (status === 'input_required') {
		const questions = outstandingInputs(record).map(({ request }) => {
			const { message } = (request.params ?? {}) as { message?: unknown };
			return typeof message === 'string' ? message : request.method;
		});
		return textResult(`${tool} waits for an answer of the user: ${questions.join(' / ')}`);
	}
	const progress = statusMessage === undefined ? '' : `: ${statusMessage}`;
	const again = `Call ${names.status} with ${taskId} again in ${seconds(record)}.`;
	return textResult(`${tool} is running${progress}. ${again}`);
}

/** Creates a result with one text. */
export function textResult(text: string, isError = false): JsonObject {
	return { content: [{ type: 'text', text }], ...(isError && { isError }) };
}

function seconds({ pollIntervalMs }: TaskRecord): string {
	return `${pollIntervalMs / 1000} seconds`;
}
