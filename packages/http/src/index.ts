export { createMcpHandler } from './mcp-handler.ts';
export type { McpHandler, McpHandlerOptions, OAuthHelper } from './mcp-handler.ts';
export type { ExecutionContextLike } from './request-work.ts';
