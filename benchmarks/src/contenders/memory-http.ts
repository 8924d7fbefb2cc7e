import { createMcpHandler } from '@tmcp-sessions/http';
import {
	InMemoryInfoSessionManager,
	InMemoryStreamSessionManager,
	InMemorySubscriptionManager,
} from '@tmcp/session-manager';
import { createServer } from './server.ts';

/** What the handler costs: around the managers that the bare transport has. */
export default createMcpHandler(createServer(), {
	streams: new InMemoryStreamSessionManager(),
	info: new InMemoryInfoSessionManager(),
	subscriptions: new InMemorySubscriptionManager(),
});
