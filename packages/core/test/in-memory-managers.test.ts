import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import {
	testResumableStreams,
	testSessionInboxes,
	testStreamPresence,
	testStreamSessionManager,
	testSubscriptionManager,
} from '@tmcp-sessions/testkit';
import { InMemorySubscriptionManager } from '@tmcp/session-manager';

// One process has nothing to evict: its memory is the only storage.
const evict = (): Promise<void> => Promise.resolve();

testStreamSessionManager('InMemoryStreamSessionManager', () => {
	const manager = new InMemoryStreamSessionManager();
	return { manager, elsewhere: manager, evict };
});

testSessionInboxes('InMemoryStreamSessionManager', () => {
	const manager = new InMemoryStreamSessionManager();
	return { manager, elsewhere: manager, evict };
});

testStreamPresence('InMemoryStreamSessionManager', () => {
	const manager = new InMemoryStreamSessionManager();
	return { manager, elsewhere: manager, evict };
});

testResumableStreams('InMemoryStreamSessionManager', () => {
	const errors: Error[] = [];
	const manager = new InMemoryStreamSessionManager({
		bounds: { messages: 50 },
		onError: (error) => void errors.push(error),
		callWaitMs: 100,
	});
	return { manager, elsewhere: manager, impatient: manager, evict, errors, manyMessages: 100 };
});

testSubscriptionManager("tmcp's InMemorySubscriptionManager", () => {
	const manager = new InMemorySubscriptionManager();
	return { manager, elsewhere: manager, evict };
});
