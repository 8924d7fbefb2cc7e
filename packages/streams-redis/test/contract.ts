import type { RedisConnection } from '@tmcp-sessions/redis';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';
import type { RedisStreamOptions } from '@tmcp-sessions/streams-redis';
import {
	testResumableStreams,
	testSessionInboxes,
	testStreamPresence,
	testStreamSessionManager,
	testSubscriptionManager,
} from '@tmcp-sessions/testkit';

// Redis keeps everything in memory: nothing is evicted.
const evict = (): Promise<void> => Promise.resolve();

/** Runs all contract suites. Each connection stands for one process. */
export function testContract(name: string, connect: () => RedisConnection): void {
	let prefixes = 0;

	/** Creates managers of two processes, which share nothing with those of other cases. */
	const create = (
		options: RedisStreamOptions = {},
	): { manager: RedisStreamSessionManager; elsewhere: RedisStreamSessionManager } => {
		const own = { prefix: `{case-${(prefixes += 1)}}:`, ...options };
		return {
			manager: new RedisStreamSessionManager(connect(), own),
			elsewhere: new RedisStreamSessionManager(connect(), own),
		};
	};

	const title = `RedisStreamSessionManager ${name}`;
	testStreamSessionManager(title, () => ({ ...create(), evict }));
	testSessionInboxes(title, () => ({ ...create(), evict }));
	testStreamPresence(title, () => ({ ...create(), evict }));
	testResumableStreams(title, () => {
		const errors: Error[] = [];
		const options = {
			bounds: { messages: 50 },
			onError: (error: Error) => void errors.push(error),
			prefix: `{resumed-${(prefixes += 1)}}:`,
		};
		const impatient = new RedisStreamSessionManager(connect(), { ...options, callWaitMs: 100 });
		return { ...create(options), impatient, evict, errors, manyMessages: 100 };
	});
	testSubscriptionManager(`RedisSubscriptionManager ${name}`, () => {
		const options = { prefix: `{subscriptions-${(prefixes += 1)}}:` };
		return {
			manager: new RedisSubscriptionManager(connect(), options),
			elsewhere: new RedisSubscriptionManager(connect(), options),
			evict,
		};
	});
}
