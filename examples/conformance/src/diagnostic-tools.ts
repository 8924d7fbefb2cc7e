import { tool } from 'tmcp/utils';
import type { ConformanceServer } from './conformance-server.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Adds tools that send notifications during the call, and tools that announce list changes. */
export function addDiagnosticTools(server: ConformanceServer): void {
	addNotifyingTools(server);

	server.tool(
		{ name: 'test_trigger_tool_change', description: 'Announces a change of the tool list' },
		() => {
			server.changed('tools');
			return tool.text('Announced');
		},
	);
	server.tool(
		{
			name: 'test_trigger_prompt_change',
			description: 'Announces a change of the prompt list',
		},
		() => {
			server.changed('prompts');
			return tool.text('Announced');
		},
	);
}

function addNotifyingTools(server: ConformanceServer): void {
	server.tool(
		{ name: 'test_tool_with_logging', description: 'Logs three times during the call' },
		async () => {
			server.log('info', 'Tool execution started');
			await pause(50);
			server.log('info', 'Tool processing data');
			await pause(50);
			server.log('info', 'Tool execution completed');
			return tool.text('Logged three times');
		},
	);
	server.tool({ name: 'test_logging_tool', description: 'Logs if the client asked for it' }, () => {
		server.log('info', 'Only for clients that asked for it');
		return tool.text('Logged');
	});
	server.tool(
		{ name: 'test_tool_with_progress', description: 'Reports progress three times' },
		async () => {
			server.progress(0, 100);
			await pause(50);
			server.progress(50, 100);
			await pause(50);
			server.progress(100, 100);
			return tool.text('Reported three times');
		},
	);
	server.tool(
		{ name: 'test_reconnection', description: 'Takes 300 ms, so that a stream can be resumed' },
		async () => {
			await pause(300);
			return tool.text('Reconnection test completed successfully');
		},
	);
}
