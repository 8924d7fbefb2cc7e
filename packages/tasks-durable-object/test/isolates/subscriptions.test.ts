import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readNotifications } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { Deployment } from './deployment.ts';

const paramsOf = ({ params }: Fields): Fields => Object(params) as Fields;

describe('notifications of tasks between isolates', () => {
	let deployment: Deployment;
	beforeAll(async () => {
		deployment = await Deployment.start();
	});
	afterAll(() => deployment.workers.stop());

	it('reach a subscriber on B for each change, in order and once, with the full task', async () => {
		const [a, b] = [deployment.client('a'), deployment.client('b')];
		const taskId = await a.start('ask', { id: 'observed' });
		await a.until(taskId, 'input_required');
		const response = await b.send('subscriptions/listen', { notifications: { taskIds: [taskId] } });
		const stream = readNotifications(response);
		expect(paramsOf(await stream.next())).toMatchObject({ notifications: { taskIds: [taskId] } });
		expect(paramsOf(await stream.next())).toMatchObject({ taskId, status: 'input_required' });
		await a.update(taskId, { 'input-1': { action: 'accept', content: { approve: true } } });
		const seen: Fields[] = [];
		while (seen.at(-1)?.['status'] !== 'completed') seen.push(paramsOf(await stream.next()));
		expect(seen.map(({ status }) => status)).toEqual(['working', 'completed']);
		const { resultType, ...task } = (await a.get(taskId)).result;
		const { _meta, ...last } = seen.at(-1) ?? {};
		expect({ ...last, resultType }).toEqual({ ...task, resultType: 'complete' });
		await stream.stop();
	});

	it('name each state between, in order and once, after the object was reset', async () => {
		const [a, b] = [deployment.client('a'), deployment.client('b')];
		const taskId = await a.start('ask', { id: 'reset' });
		await a.until(taskId, 'input_required');
		const response = await b.send('subscriptions/listen', { notifications: { taskIds: [taskId] } });
		const stream = readNotifications(response);
		await stream.next();
		await stream.next();
		await deployment.reset(taskId);
		await a.update(taskId, { 'input-1': { action: 'decline' } });
		const seen: unknown[] = [];
		while (seen.at(-1) !== 'completed') seen.push(paramsOf(await stream.next())['status']);
		expect(seen).toEqual(['working', 'completed']);
		await stream.stop();
	});

	it('name each question of a task whose object is reset between', async () => {
		const [a, b] = [deployment.client('a'), deployment.client('b')];
		const taskId = await a.start('ask_twice');
		await a.until(taskId, 'input_required');
		const response = await b.send('subscriptions/listen', { notifications: { taskIds: [taskId] } });
		const stream = readNotifications(response);
		await stream.next();
		const first = paramsOf(await stream.next());
		expect(Object.keys(Object(first['inputRequests']) as object)).toEqual(['input-1']);
		await deployment.reset(taskId);
		const answer = { action: 'accept', content: { approve: true } };
		await a.update(taskId, { 'input-1': answer });
		await a.until(taskId, 'input_required');
		await a.update(taskId, { 'input-2': answer });
		await a.ended(taskId);
		const seen: Fields[] = [];
		while (seen.at(-1)?.['status'] !== 'completed') seen.push(paramsOf(await stream.next()));
		expect(
			seen.map(({ inputRequests, status }) => [
				status,
				...Object.keys(Object(inputRequests) as object),
			]),
		).toEqual([['working'], ['input_required', 'input-2'], ['working'], ['completed']]);
		await stream.stop();
	});
});
