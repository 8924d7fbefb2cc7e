import { currentTask } from '@tmcp-sessions/tasks';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import type { ConformanceServer } from './conformance-server.ts';

const FAILING_JOB_MS = 1_000;
const Confirmation = v.object({ confirm: v.boolean() });
const UserName = v.object({ name: v.string() });

/** Adds the tools that the scenarios of the tasks extension call by name. */
export function addTaskFixtures(server: ConformanceServer): void {
	server.tool(
		{ name: 'greet', description: 'Greets', schema: v.object({ name: v.string() }) },
		({ name }) => tool.text(`Hello, ${name}!`),
	);
	server.tool(
		{
			name: 'slow_compute',
			description: 'Computes for some seconds',
			schema: v.object({ seconds: v.number(), label: v.optional(v.string()) }),
		},
		async ({ seconds, label }) => {
			await currentTask().sleep(seconds * 1000);
			return tool.text(`Computed ${label ?? 'a result'} in ${seconds} s`);
		},
	);
	server.tool({ name: 'failing_job', description: 'Fails after a second' }, async () => {
		await currentTask().sleep(FAILING_JOB_MS);
		return tool.error('The job failed');
	});
	server.tool({ name: 'protocol_error_job', description: 'Fails with a protocol error' }, () => {
		throw new Error('The job broke');
	});
	server.tool(
		{
			name: 'confirm_delete',
			description: 'Deletes a file after a confirmation',
			schema: v.object({ filename: v.string() }),
		},
		async ({ filename }) => {
			const { content } = await server.elicitation(`Delete ${filename}?`, Confirmation);
			return tool.text(content?.confirm === true ? `Deleted ${filename}` : `Kept ${filename}`);
		},
	);
	server.tool({ name: 'multi_input', description: 'Asks two questions at once' }, async () => {
		const answers = await Promise.all([
			server.elicitation('First?', Confirmation),
			server.elicitation('Second?', Confirmation),
		]);
		return tool.text(answers.map(({ action }) => action).join(' '));
	});
	server.tool(
		{ name: 'test_tool_with_task', description: 'Asks, then runs as a task' },
		async () => {
			const { content } = await server.elicitation('Who are you?', UserName, { key: 'user_name' });
			currentTask().begin();
			return tool.text(`Hello, ${content?.name ?? 'stranger'}!`);
		},
	);
}
