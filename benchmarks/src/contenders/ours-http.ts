import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { createServer } from './server.ts';

export default createMcpHandler(createServer(), {
	streams: new DurableObjectStreamSessionManager(),
	info: new KVInfoSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
});
