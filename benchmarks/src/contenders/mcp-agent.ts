import { McpAgent } from 'agents/mcp';

/** `McpAgent` of agents: a Durable Object for each session, which holds the server. */
export default McpAgent.serve('/mcp', { binding: 'MCP_AGENT_OBJECT' });
