import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { createNotesServer } from './notes-server.ts';

// The MCP server has no code for Workers. The next seven lines and the bindings in wrangler.jsonc let
// its sessions move between isolates.
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

export default createMcpHandler(createNotesServer(), {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
});

// Stores the notes of this example; not part of the session handling.
export { Notebook } from './notebook.ts';
