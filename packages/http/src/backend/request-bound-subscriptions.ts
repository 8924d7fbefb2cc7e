import { StreamError } from '@tmcp-sessions/core';
import type { SubscriptionManager } from '@tmcp/session-manager';

import { currentContext } from '../request/request-context.ts';
import { keepAlive } from '../backend/keep-alive.ts';
import { sendWithSessions } from '../backend/one-broadcast.ts';
import { withOverrides } from './with-overrides.ts';

/**
 * Returns the subscription manager for the transport. Promises that the transport does not await keep
 * the request alive and are reported if they reject. A change is sent to subscriptions when it is sent
 * to sessions.
 *
 * @param report reports a failure outside of a request.
 */
export function bindSubscriptionsToRequest(
	manager: SubscriptionManager,
	report: (error: unknown) => void,
): SubscriptionManager {
	const bind = async <Result>(promise: Promise<Result>, fallback: Result): Promise<Result> => {
		keepAlive(promise, report);
		// Reported above. Here it would be an unhandled rejection.
		return promise.catch(() => fallback);
	};
	return withOverrides(manager, {
		create: async (...subscription) => {
			try {
				return await manager.create(...subscription);
			} catch (error) {
				// The server would send the reason to its client only.
				const bound = error instanceof StreamError ? error.bound : undefined;
				currentContext()?.progress.fail(new StreamError('http', 'listening', error, bound));
				throw error;
			}
		},
		send: (notification) =>
			bind(
				sendWithSessions(() => promised(() => manager.send(notification))),
				undefined,
			),
		close: (id, origin, reason) =>
			bind(
				promised(() => manager.close(id, origin, reason)),
				false,
			),
	});
}

/** Turns what a manager returns or throws into a promise. */
async function promised<Result>(operation: () => Result | Promise<Result>): Promise<Result> {
	return operation();
}
