import { StreamError } from '@tmcp-sessions/core';
import { keepRequestAlive } from '@tmcp-sessions/core/backend';
import type { SubscriptionManager } from '@tmcp/session-manager';

import { withSessions } from './one-broadcast.ts';
import { withOverrides } from './with-overrides.ts';
import { currentContext } from './tracked-server.ts';

/**
 * The subscription manager as the transport gets to see it: itself, but that what the transport
 * starts and does not await is tied to the request, and reported where it fails; and that a change
 * goes to listeners when it goes to sessions.
 *
 * @param report told of a failure outside of a request.
 */
export function bindSubscriptionsToRequest(
	manager: SubscriptionManager,
	report: (error: unknown) => void,
): SubscriptionManager {
	const tied = async <Result>(work: Promise<Result>, otherwise: Result): Promise<Result> => {
		keepRequestAlive(work, (work) => void work.catch(report));
		// Reported there; here it would be a rejection that nobody handles.
		return work.catch(() => otherwise);
	};
	return withOverrides(manager, {
		create: async (...subscription) => {
			try {
				return await manager.create(...subscription);
			} catch (error) {
				// The server would tell its client the reason, and nobody else.
				const work = currentContext();
				if (work) work.failure = new StreamError('http', 'listening', error);
				throw error;
			}
		},
		send: (notification) =>
			tied(
				withSessions(() => settled(() => manager.send(notification))),
				undefined,
			),
		close: (id, origin, reason) =>
			tied(
				settled(() => manager.close(id, origin, reason)),
				false,
			),
	});
}

/** What a manager does, also where it does it at once. */
async function settled<Result>(work: () => Result | Promise<Result>): Promise<Result> {
	return work();
}
