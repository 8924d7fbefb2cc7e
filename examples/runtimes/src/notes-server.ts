import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';

/** An MCP server as `tmcp` has it: it knows nothing of sessions, nor of where it runs. */
export function createNotesServer(): McpServer {
	const server = new McpServer(
		{ name: 'notes', version: '1.0.0' },
		{
			adapter: undefined, // no tool has a schema
			capabilities: { logging: {}, tools: { listChanged: true } },
		},
	);

	server.tool({ name: 'whoami', description: 'Says which client calls' }, () => {
		const { name = 'nobody' } = server.ctx.sessionInfo?.clientInfo ?? {};
		return tool.text(`${name}, level ${server.ctx.sessionInfo?.logLevel ?? 'none'}`);
	});

	server.tool({ name: 'announce', description: 'Says that the tools have changed' }, () => {
		server.changed('tools');
		return tool.text('announced');
	});
	return server;
}
