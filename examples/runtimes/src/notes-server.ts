import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';

/** Creates a tmcp server; it has no code for sessions or for a runtime. */
export function createNotesServer(): McpServer {
	const server = new McpServer(
		{ name: 'notes', version: '1.0.0' },
		{
			adapter: undefined, // no tool has a schema
			capabilities: { logging: {}, tools: { listChanged: true } },
		},
	);

	server.tool({ name: 'whoami', description: 'Returns the client name and its log level' }, () => {
		const { name = 'anonymous' } = server.ctx.sessionInfo?.clientInfo ?? {};
		return tool.text(`${name}, level ${server.ctx.sessionInfo?.logLevel ?? 'none'}`);
	});

	server.tool({ name: 'announce', description: 'Announces a change of the tools' }, () => {
		server.changed('tools');
		return tool.text('announced');
	});
	return server;
}
