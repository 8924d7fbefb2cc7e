import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { McpAgent } from 'agents/mcp';
import * as z from 'zod';

/** `McpAgent` of agents: each session has a Durable Object that holds the server. */
export function mcpAgentWorker(): ReturnType<typeof McpAgent.serve> {
	return McpAgent.serve('/mcp', { binding: 'MCP_AGENT_OBJECT' });
}

/** The object of a session, with the tools of `server.ts` written for that library. */
export class McpAgentObject extends McpAgent {
	server: McpServer = new McpServer(
		{ name: 'benchmark', version: '1.0.0' },
		{ capabilities: { tools: { listChanged: true }, logging: {} } },
	);

	override async init(): Promise<void> {
		this.server.registerTool(
			'add',
			{ description: 'Adds two numbers', inputSchema: { a: z.number(), b: z.number() } },
			({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
		);
		this.server.registerTool('change_list', { description: 'Notifies its session' }, () => {
			this.server.sendToolListChanged();
			return { content: [{ type: 'text', text: 'changed' }] };
		});
	}
}
