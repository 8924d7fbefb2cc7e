import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import {
	testSessionInboxes,
	testStreamSessionManager,
	testSubscriptionManager,
} from '@tmcp-sessions/testkit';

import { evict } from './fixture/sync-layer.ts';

testStreamSessionManager('DurableObjectStreamSessionManager', () => ({
	manager: new DurableObjectStreamSessionManager(),
	elsewhere: new DurableObjectStreamSessionManager(),
	evict,
}));

testSessionInboxes('DurableObjectStreamSessionManager', () => ({
	manager: new DurableObjectStreamSessionManager(),
	elsewhere: new DurableObjectStreamSessionManager(),
	evict,
}));

testSubscriptionManager('DurableObjectSubscriptionManager', () => ({
	manager: new DurableObjectSubscriptionManager(),
	elsewhere: new DurableObjectSubscriptionManager(),
	evict,
}));
