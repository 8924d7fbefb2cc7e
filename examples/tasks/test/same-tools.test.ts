import { fileURLToPath } from 'node:url';
import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, expect, it } from 'vitest';

const pathOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const QUESTION = 'Publish the report with 2200 rows?';
const REPORT = { content: [{ text: 'The report of May has 2200 rows and was published.' }] };
const call: Fields = { name: 'generate_report', arguments: { month: 'May' } };

let workers: Workers<'with' | 'without'>;
beforeAll(async () => {
	workers = await startWorkers({
		entry: { with: pathOf('../src/index.ts'), without: pathOf('without-tasks.ts') },
		workers: ['with', 'without'],
		kvNamespaces: [],
		durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
	});
});
afterAll(() => workers.stop());

function clientOf(name: 'with' | 'without'): TaskClient {
	return new TaskClient(() => workers.url(name));
}

/** Returns the questions of a result, and accepts each. */
function accepted({ inputRequests }: Fields): { questions: unknown[]; inputResponses: Fields } {
	const requests = Object.entries(Object(inputRequests) as Record<string, { params: Fields }>);
	const answer = { action: 'accept', content: { publish: true } };
	return {
		questions: requests.map(([, { params }]) => params['message']),
		inputResponses: Object.fromEntries(requests.map(([key]) => [key, answer])),
	};
}

it('has the same tools with and without tasks', async () => {
	const toolsOf = async (name: 'with' | 'without'): Promise<unknown> =>
		(await clientOf(name).request('tools/list', {})).result['tools'];
	const tools = await toolsOf('without');
	expect(tools).toMatchObject([{ name: 'generate_report' }]);
	expect(await toolsOf('with')).toEqual(tools);
});

it('generates the report without tasks, with its question on the original request', async () => {
	const client = clientOf('without');
	const { result: asked } = await client.request('tools/call', call);
	expect(asked).toMatchObject({ resultType: 'input_required' });
	const { inputResponses, questions } = accepted(asked);
	expect(questions).toEqual([QUESTION]);
	const again = { ...call, inputResponses, requestState: asked['requestState'] };
	const { result } = await client.request('tools/call', again);
	expect(result).toMatchObject({ resultType: 'complete', ...REPORT });
}, 30_000);

it('generates the same report as a task, with the same question', async () => {
	const client = clientOf('with');
	const taskId = await client.start('generate_report', { month: 'May' });
	const { inputResponses, questions } = accepted(await client.until(taskId, 'input_required'));
	expect(questions).toEqual([QUESTION]);
	await client.update(taskId, inputResponses);
	expect(await client.ended(taskId)).toMatchObject({ status: 'completed', result: REPORT });
}, 30_000);
