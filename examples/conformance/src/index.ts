import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { createConformanceServer } from './conformance-server.ts';

export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

export default createMcpHandler(createConformanceServer(), {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
});
