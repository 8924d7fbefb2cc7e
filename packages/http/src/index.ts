export { createMcpHandler } from './mcp-handler.ts';
export type { McpHandler, McpHandlerOptions, OAuthHelper } from './mcp-handler.ts';
export { requestStateCodec, RequestStateError } from './request-state-codec.ts';
export type { RequestStateCodec, RequestStateCodecOptions } from './request-state-codec.ts';
export type { ExecutionContextLike } from './request-work.ts';
