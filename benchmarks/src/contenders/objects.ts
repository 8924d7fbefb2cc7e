/** The Worker that owns the objects, so that all contenders stand beside theirs alike. */
export { SessionShard } from '@tmcp-sessions/info-durable-object';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';
export { SyncLayer as UpstreamSyncLayer } from '@tmcp/session-manager-durable-objects';
export { McpAgentObject } from './mcp-agent-object.ts';
export { BareObject } from './bare-object.ts';

export default { fetch: (): Response => new Response('Not found', { status: 404 }) };
