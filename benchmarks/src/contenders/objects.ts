/** The Worker that owns the objects, so that all contenders stand beside theirs alike. */
export { SessionShard } from '@tmcp-sessions/info-durable-object';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';
export { UpstreamSyncLayer } from './upstream-object.ts';
export { McpAgentObject } from './mcp-agent-object.ts';
export { BareObject } from './bare-object.ts';
export { TransportObject } from './transport-object.ts';
export { BenchmarkSession } from './benchmark-session.ts';

export default { fetch: (): Response => new Response('Not found', { status: 404 }) };
