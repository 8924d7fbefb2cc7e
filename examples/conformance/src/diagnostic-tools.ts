import { tool } from 'tmcp/utils';
import type { ConformanceServer } from './conformance-server.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Tools that speak while they work, and tools that change what the server offers. */
export function addDiagnosticTools(server: ConformanceServer): void {
	addSpeakingTools(server);

	server.tool(
		{ name: 'test_trigger_tool_change', description: 'Says that the list of tools has changed' },
		() => {
			server.changed('tools');
			return tool.text('Announced');
		},
	);
	server.tool(
		{
			name: 'test_trigger_prompt_change',
			description: 'Says that the list of prompts has changed',
		},
		() => {
			server.changed('prompts');
			return tool.text('Announced');
		},
	);
}

function addSpeakingTools(server: ConformanceServer): void {
	server.tool(
		{ name: 'test_tool_with_logging', description: 'Logs three times while it works' },
		async () => {
			server.log('info', 'Tool execution started');
			await pause(50);
			server.log('info', 'Tool processing data');
			await pause(50);
			server.log('info', 'Tool execution completed');
			return tool.text('Logged three times');
		},
	);
	server.tool({ name: 'test_logging_tool', description: 'Logs where it was asked to' }, () => {
		server.log('info', 'Only for those who asked for it');
		return tool.text('Logged');
	});
	server.tool(
		{ name: 'test_tool_with_progress', description: 'Reports its progress three times' },
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
		{ name: 'test_reconnection', description: 'Takes a while, so that a stream can be resumed' },
		async () => {
			await pause(300);
			return tool.text('Reconnection test completed successfully');
		},
	);
}
