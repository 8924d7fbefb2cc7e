import { isObject } from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';

import { changeTask } from './change-task.ts';
import type { TaskDelivery } from './task-engine.ts';
import type { TaskInput, TaskPatch, TaskRecord } from './task-record.ts';
import type { TaskStore } from './task-store.ts';

const ELICITATION = 'elicitation/create';
const ACTIONS: readonly unknown[] = ['accept', 'decline', 'cancel'];

/** A delivery, and the task afterwards if responses were stored. */
export type StoredDelivery = TaskDelivery & { readonly record?: TaskRecord | undefined };

/**
 * Stores responses of the client. Ignores keys that are unknown or have been answered. Stores nothing
 * if one response is invalid.
 */
export async function deliverResponses(
	store: Pick<TaskStore, 'read' | 'update'>,
	name: string,
	responses: JsonObject,
): Promise<StoredDelivery> {
	let invalid: string | undefined;
	const changed = await changeTask(store, name, ({ inputs }) => {
		const answered = inputs.filter(
			(input) => isOutstanding(input) && hasResponse(responses, input),
		);
		invalid = answered.map((input) => problemOf(input, responses[input.key])).find(Boolean);
		if (answered.length === 0 || invalid !== undefined) return undefined;
		return patchWith(inputs, responses);
	});
	if (!changed) return { isKnown: false };
	const record = changed.isChanged ? changed.record : undefined;
	return { isKnown: true, invalid, record };
}

/** Returns the server requests of a task that the client has not answered. */
export function outstandingInputs({ inputs }: Pick<TaskRecord, 'inputs'>): readonly TaskInput[] {
	return inputs.filter(isOutstanding);
}

function patchWith(before: readonly TaskInput[], responses: JsonObject): TaskPatch {
	const inputs = before.map((input) =>
		isOutstanding(input) && hasResponse(responses, input)
			? // Safe because `problemOf` has checked it.
				{ ...input, response: responses[input.key] as JsonObject }
			: input,
	);
	return { inputs, status: inputs.some(isOutstanding) ? 'input_required' : 'working' };
}

function isOutstanding({ response }: TaskInput): boolean {
	return response === undefined;
}

function hasResponse(responses: JsonObject, { key }: TaskInput): boolean {
	return Object.hasOwn(responses, key);
}

function problemOf({ key, request }: TaskInput, response: unknown): string | undefined {
	if (!isObject(response)) {
		return `the response to ${JSON.stringify(key)} must be an object; got ${typeof response}`;
	}
	const { action } = response as { action?: unknown };
	if (request.method !== ELICITATION || ACTIONS.includes(action)) return undefined;
	return `the response to the elicitation ${JSON.stringify(key)} must have the action accept, decline or cancel`;
}
