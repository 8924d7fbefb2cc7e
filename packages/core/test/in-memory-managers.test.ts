import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import {
	testSessionInboxes,
	testStreamSessionManager,
	testSubscriptionManager,
} from '@tmcp-sessions/testkit';
import { InMemorySubscriptionManager } from '@tmcp/session-manager';

// One process has nothing to evict: what it holds in memory is all there is.
const evict = (): Promise<void> => Promise.resolve();

testStreamSessionManager('InMemoryStreamSessionManager', () => {
	const manager = new InMemoryStreamSessionManager();
	return { manager, elsewhere: manager, evict };
});

testSessionInboxes('InMemoryStreamSessionManager', () => {
	const manager = new InMemoryStreamSessionManager();
	return { manager, elsewhere: manager, evict };
});

testSubscriptionManager("tmcp's InMemorySubscriptionManager", () => {
	const manager = new InMemorySubscriptionManager();
	return { manager, elsewhere: manager, evict };
});
