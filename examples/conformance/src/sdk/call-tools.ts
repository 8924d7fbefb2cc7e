import type { ElicitRequestFormParams, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { DEFAULTS_JSON_SCHEMA, ENUMS_JSON_SCHEMA, PERSON_JSON_SCHEMA } from '../form-schemas.ts';
import { pause, textResult } from './results.ts';

type FormSchema = ElicitRequestFormParams['requestedSchema'];

/** Adds tools that send notifications during the call, and tools that announce list changes. */
export function addDiagnosticTools(server: McpServer): void {
	server.registerTool(
		'test_tool_with_logging',
		{ description: 'Logs three times during the call' },
		async ({ mcpReq }) => {
			await mcpReq.log('info', 'Tool execution started');
			await pause(50);
			await mcpReq.log('info', 'Tool processing data');
			await pause(50);
			await mcpReq.log('info', 'Tool execution completed');
			return textResult('Logged three times');
		},
	);
	server.registerTool(
		'test_logging_tool',
		{ description: 'Logs if the client asked for it' },
		async ({ mcpReq }) => {
			await mcpReq.log('info', 'Only for clients that asked for it');
			return textResult('Logged');
		},
	);
	server.registerTool(
		'test_tool_with_progress',
		{ description: 'Reports progress three times' },
		async ({ mcpReq }) => {
			const { progressToken } = mcpReq._meta ?? {};
			for (const progress of [0, 50, 100]) {
				if (progressToken !== undefined) {
					const params = { progressToken, progress, total: 100 };
					await mcpReq.notify({ method: 'notifications/progress', params });
				}
				await pause(50);
			}
			return textResult('Reported three times');
		},
	);
	server.registerTool(
		'test_reconnection',
		{ description: 'Takes 300 ms, so that a stream can be resumed' },
		async () => {
			await pause(300);
			return textResult('Reconnection test completed successfully');
		},
	);
	server.registerTool(
		'test_trigger_tool_change',
		{ description: 'Announces a change of the tool list' },
		() => {
			server.sendToolListChanged();
			return textResult('Announced');
		},
	);
	server.registerTool(
		'test_trigger_prompt_change',
		{ description: 'Announces a change of the prompt list' },
		() => {
			server.sendPromptListChanged();
			return textResult('Announced');
		},
	);
}

/** Adds tools that send server requests during a call. */
export function addServerRequestTools(server: McpServer): void {
	server.registerTool(
		'test_sampling',
		{ description: "Samples the client's model", inputSchema: z.object({ prompt: z.string() }) },
		async ({ prompt }, { mcpReq }) => {
			const { content } = await mcpReq.requestSampling({
				messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
				maxTokens: 100,
			});
			return textResult(`LLM response: ${JSON.stringify(content)}`);
		},
	);
	server.registerTool(
		'test_elicitation',
		{
			description: 'Elicits a name and an email address',
			inputSchema: z.object({ message: z.string() }),
		},
		async ({ message }, { mcpReq }) => {
			const response = await mcpReq.elicitInput({
				message,
				// Safe because the server checks the schema.
				requestedSchema: PERSON_JSON_SCHEMA as FormSchema,
			});
			return textResult(`User response: ${JSON.stringify(response)}`);
		},
	);
	for (const [name, schema] of [
		['test_elicitation_sep1034_defaults', DEFAULTS_JSON_SCHEMA],
		['test_elicitation_sep1330_enums', ENUMS_JSON_SCHEMA],
	] as const) {
		server.registerTool(name, { description: 'Elicits a form' }, async ({ mcpReq }) => {
			const { action, content } = await mcpReq.elicitInput({
				message: 'Please fill in',
				// Safe because the server checks the schema.
				requestedSchema: schema as unknown as FormSchema,
			});
			return textResult(
				`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`,
			);
		});
	}
}
