import type { ErrorReporter } from '@tmcp-sessions/core';
import { DurableObjectSubscriptionManager } from '@tmcp-sessions/streams-durable-object';
import { listenerKey } from '@tmcp-sessions/streams-durable-object/internal';
import { SubscriptionManager } from '@tmcp/session-manager';
import type { Subscription, SubscriptionCallbacks } from '@tmcp/session-manager';

import { namespaceOf } from './namespace-of.ts';
import type { SessionObjectStub } from './object-namespace.ts';

/**
 * The listeners of the stateless era that a Worker holds for its clients, each by a socket to the
 * object of the identity that listens.
 */
export class RoutedSubscriptions extends SubscriptionManager {
	readonly #stubs: () => Promise<() => SessionObjectStub>;
	readonly #onError: ErrorReporter | undefined;
	readonly #managers = new Map<string, DurableObjectSubscriptionManager>();

	/** @param stubs finds the object of the request that this is called in. */
	constructor(stubs: () => Promise<() => SessionObjectStub>, onError: ErrorReporter | undefined) {
		super();
		this.#stubs = stubs;
		this.#onError = onError;
	}

	override async create(
		subscription: Subscription,
		callbacks: SubscriptionCallbacks,
	): Promise<boolean> {
		const key = listenerKey(subscription.id, subscription.origin);
		if (this.#managers.has(key)) return false;
		const manager = new DurableObjectSubscriptionManager(namespaceOf(await this.#stubs()), {
			onError: this.#onError,
		});
		this.#managers.set(key, manager);
		try {
			return await manager.create(subscription, {
				...callbacks,
				close: async (reason) => {
					this.#managers.delete(key);
					await callbacks.close(reason);
				},
			});
		} catch (error) {
			this.#managers.delete(key);
			throw error;
		}
	}

	/** Nothing changes here: the servers are in their objects. */
	override async send(): Promise<void> {}

	override async close(
		id: string | number,
		origin: string,
		reason: 'closed' | 'cancelled',
	): Promise<boolean> {
		return (await this.#managers.get(listenerKey(id, origin))?.close(id, origin, reason)) ?? false;
	}

	override async closeAll(origin?: string, reason?: 'closed' | 'cancelled'): Promise<void> {
		const closing = [...this.#managers.values()].map((each) => each.closeAll(origin, reason));
		await Promise.all(closing);
	}
}
