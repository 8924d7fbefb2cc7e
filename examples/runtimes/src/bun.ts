import { mcp } from './mcp.ts';

// Bun serves what a file exports. It closes a connection that says nothing for ten seconds, and an open
// stream says something every fifteen.
export default { fetch: mcp.fetch, idleTimeout: 30 };
