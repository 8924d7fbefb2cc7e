import { McpAgent } from 'agents/mcp';

export default McpAgent.serve('/mcp', { binding: 'MEASURED_AGENT' });
