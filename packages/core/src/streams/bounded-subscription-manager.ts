import { InMemorySubscriptionManager } from '@tmcp/session-manager';
import type { Subscription, SubscriptionCallbacks } from '@tmcp/session-manager';

import type { EveryUriSubscriptions } from '../extensions/every-uri.ts';
import { currentScope } from '../request-scope.ts';
import { ClientCounts } from './client-counts.ts';
import { MAX_SUBSCRIPTIONS_PER_CLIENT, TOO_MANY_SUBSCRIPTIONS } from './stream-bounds.ts';

/** Manages the subscriptions of one process, of which each client has at most 1,024. */
export class BoundedSubscriptionManager
	extends InMemorySubscriptionManager
	implements EveryUriSubscriptions
{
	readonly deliversEveryUri = true;
	readonly #counts = new ClientCounts(MAX_SUBSCRIPTIONS_PER_CLIENT, TOO_MANY_SUBSCRIPTIONS);

	/** @throws {StreamError} if the client has 1,024 open subscriptions. */
	override async create(
		subscription: Subscription,
		callbacks: SubscriptionCallbacks,
	): Promise<boolean> {
		const end = this.#counts.add(currentScope()?.client, 'opening a subscription');
		let isOpen = true;
		const close = (): void => {
			if (isOpen) end();
			isOpen = false;
		};
		try {
			const isCreated = await super.create(subscription, {
				...callbacks,
				close: (reason) => {
					close();
					return callbacks.close(reason);
				},
			});
			if (!isCreated) close();
			return isCreated;
		} catch (error) {
			close();
			throw error;
		}
	}
}
