import { deliverResponses, InMemoryTaskStore } from '@tmcp-sessions/tasks/backend';
import type { TaskInput, TaskRecord } from '@tmcp-sessions/tasks/backend';
import { expect, it } from 'vitest';

const request = { method: 'elicitation/create', params: { message: 'Publish?' } };
const accept = (approve: boolean): object => ({ action: 'accept', content: { approve } });
const inputs: TaskInput[] = [
	{ key: 'input-1', request, response: { ...accept(true) } },
	{ key: 'input-2', request },
];

it('stores the first response to a question, and changes nothing for a second one', async () => {
	const store = new InMemoryTaskStore();
	const nowMs = Date.now();
	const record: TaskRecord = {
		name: store.newName(),
		revision: 3,
		principal: '',
		tool: 'report',
		status: 'input_required',
		attempts: 1,
		createdAtMs: nowMs,
		updatedAtMs: nowMs,
		expiresAtMs: nowMs + 60_000,
		pollIntervalMs: 100,
		inputs,
	};
	const { name } = record;
	await store.create(record, { session: {} });
	const again = { 'input-1': accept(false), other: accept(false) };
	expect(await deliverResponses(store, name, again)).toEqual({ isKnown: true });
	expect(await store.read(name)).toEqual(record);
	await deliverResponses(store, name, { 'input-1': accept(false), 'input-2': accept(false) });
	// A call that starts again gets the response that it got before.
	expect(await store.read(name)).toMatchObject({
		revision: 4,
		status: 'working',
		inputs: [{ response: accept(true) }, { response: accept(false) }],
	});
});
