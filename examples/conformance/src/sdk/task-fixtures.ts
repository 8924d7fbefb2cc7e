import type {
	ElicitRequestFormParams,
	McpServer,
	ServerContext,
} from '@modelcontextprotocol/server';
import { currentTask } from '@tmcp-sessions/tasks';
import * as z from 'zod';
import { textResult } from './results.ts';

const FAILING_JOB_MS = 1_000;
const CONFIRMATION: ElicitRequestFormParams['requestedSchema'] = {
	type: 'object',
	properties: { confirm: { type: 'boolean' } },
	required: ['confirm'],
};
const USER_NAME: ElicitRequestFormParams['requestedSchema'] = {
	type: 'object',
	properties: { name: { type: 'string' } },
	required: ['name'],
};

const confirm = ({ mcpReq }: ServerContext, message: string) =>
	mcpReq.elicitInput({ message, requestedSchema: CONFIRMATION });

/** Adds the tools that the scenarios of the tasks extension call by name. */
export function addTaskFixtures(server: McpServer): void {
	server.registerTool(
		'greet',
		{ description: 'Greets', inputSchema: z.object({ name: z.string() }) },
		({ name }) => textResult(`Hello, ${name}!`),
	);
	server.registerTool(
		'slow_compute',
		{
			description: 'Computes for some seconds',
			inputSchema: z.object({ seconds: z.number(), label: z.string().optional() }),
		},
		async ({ seconds, label = 'a result' }) => {
			await currentTask().sleep(seconds * 1000);
			return textResult(`Computed ${label} in ${seconds} s`);
		},
	);
	server.registerTool('failing_job', { description: 'Fails after a second' }, async () => {
		await currentTask().sleep(FAILING_JOB_MS);
		return { ...textResult('The job failed'), isError: true };
	});
	server.registerTool('protocol_error_job', { description: 'Fails with an error' }, () => {
		throw new Error('The job broke');
	});
	server.registerTool(
		'confirm_delete',
		{
			description: 'Deletes a file after a confirmation',
			inputSchema: z.object({ filename: z.string() }),
		},
		async ({ filename }, context) => {
			const { content } = await confirm(context, `Delete ${filename}?`);
			return textResult(content?.['confirm'] === true ? `Deleted ${filename}` : `Kept ${filename}`);
		},
	);
	server.registerTool(
		'multi_input',
		{ description: 'Asks two questions at once' },
		async (context) => {
			const answers = await Promise.all([confirm(context, 'First?'), confirm(context, 'Second?')]);
			return textResult(answers.map(({ action }) => action).join(' '));
		},
	);
	server.registerTool(
		'test_tool_with_task',
		{ description: 'Asks, then runs as a task' },
		async ({ mcpReq }) => {
			const { content } = await mcpReq.elicitInput({
				message: 'Who are you?',
				requestedSchema: USER_NAME,
			});
			currentTask().begin();
			return textResult(`Hello, ${String(content?.['name'] ?? 'stranger')}!`);
		},
	);
}
