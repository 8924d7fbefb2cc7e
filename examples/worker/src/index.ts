import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { createNotesServer } from './notes-server.ts';

// The MCP server itself knows nothing of Workers. What lets its sessions move from isolate to
// isolate is the next seven lines, and the bindings in wrangler.jsonc.
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

export default createMcpHandler(createNotesServer(), {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
});

// The notes of this example, kept in a Durable Object of their own.
export { Notebook } from './notebook.ts';
