import type { ErrorReporter } from '@tmcp-sessions/core';
import type { RequestScope } from '@tmcp-sessions/core/backend';
import { SocketSubscriptionManager } from '@tmcp-sessions/streams-durable-object/internal';

import type { SessionObjectStub } from './object-namespace.ts';

/**
 * Holds the subscriptions of a Worker's clients (stateless era), each by a socket to the object of its
 * identity.
 */
export class RoutedSubscriptions extends SocketSubscriptionManager {
	/** @param stubFor returns a stub of the object that belongs to a request. */
	constructor(
		stubFor: (scope: RequestScope | undefined) => Promise<SessionObjectStub>,
		onError: ErrorReporter | undefined,
	) {
		super(async (scope) => ({ stub: await stubFor(scope) }), { onError });
	}

	/** Does nothing: the servers send from their objects. */
	override async send(): Promise<void> {}
}
