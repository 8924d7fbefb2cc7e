import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import {
	testResumableStreams,
	testSessionInboxes,
	testStreamPresence,
	testStreamSessionManager,
	testSubscriptionManager,
} from '@tmcp-sessions/testkit';

import { rowsReadDuring } from './fixture/rows-read.ts';
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

testStreamPresence('DurableObjectStreamSessionManager', () => ({
	manager: new DurableObjectStreamSessionManager(),
	elsewhere: new DurableObjectStreamSessionManager(),
	evict,
}));

testResumableStreams('DurableObjectStreamSessionManager', () => {
	const errors: Error[] = [];
	const onError = (error: Error): void => void errors.push(error);
	return {
		manager: new DurableObjectStreamSessionManager(undefined, { onError }),
		elsewhere: new DurableObjectStreamSessionManager(undefined, { onError }),
		impatient: new DurableObjectStreamSessionManager(undefined, { onError, callWaitMs: 100 }),
		evict,
		errors,
		manyMessages: 150,
		readsOf: rowsReadDuring,
	};
});

testSubscriptionManager('DurableObjectSubscriptionManager', () => ({
	manager: new DurableObjectSubscriptionManager(),
	elsewhere: new DurableObjectSubscriptionManager(),
	evict,
}));
