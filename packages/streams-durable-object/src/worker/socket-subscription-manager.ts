import type { ErrorReporter } from '@tmcp-sessions/core';
import { createReporter, currentScope } from '@tmcp-sessions/core/backend';
import type { RequestScope } from '@tmcp-sessions/core/backend';
import { SOCKET_CHECK, watchSocket } from '@tmcp-sessions/core/internal';
import type { EveryUriSubscriptions } from '@tmcp-sessions/core/internal';
import { InMemorySubscriptionManager, SubscriptionManager } from '@tmcp/session-manager';
import type { Subscription, SubscriptionCallbacks } from '@tmcp/session-manager';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { hashedClient } from './hashed-client.ts';
import { openSocket } from './open-socket.ts';
import type { SocketTarget } from './open-socket.ts';
import { createStreamError } from '../stream-error.ts';
import { changeKindsOf, uriHashesOf } from '../wire/change-kind.ts';
import { subscriptionKey } from '../wire/subscription-key.ts';

/** Finds the object that a request's subscription is opened at. */
export type SubscriptionStubFor = (
	scope: RequestScope | undefined,
) => SocketTarget | Promise<SocketTarget>;

export interface SocketSubscriptionOptions {
	readonly onError?: ErrorReporter | undefined;
	readonly openTimeoutMs?: number | undefined;
}

/**
 * Holds the subscriptions of a Worker's requests (`subscriptions/listen` of the stateless era), each by
 * a socket to an object. The socket is opened before the subscription is acknowledged.
 *
 * The object filters by kind and by the hash of a URI, so that it may send more than was selected. An
 * `InMemorySubscriptionManager` of tmcp for each subscription filters by the URI itself, and holds
 * notifications back until the acknowledgement is sent.
 */
export abstract class SocketSubscriptionManager
	extends SubscriptionManager
	implements EveryUriSubscriptions
{
	readonly deliversEveryUri = true;
	protected readonly report: (cause: unknown) => void;
	readonly #stubFor: SubscriptionStubFor;
	readonly #openTimeoutMs: number | undefined;
	readonly #subscriptions = new Map<string, InMemorySubscriptionManager>();

	constructor(stubFor: SubscriptionStubFor, options: SocketSubscriptionOptions) {
		super();
		this.report = createReporter(options.onError);
		this.#stubFor = stubFor;
		this.#openTimeoutMs = options.openTimeoutMs;
	}

	/**
	 * Registers a subscription, and acknowledges it once changes from every isolate reach it.
	 *
	 * @returns false if the origin has a subscription of this id.
	 * @throws {StreamError} if the object cannot be reached, or the client has 1,024 open subscriptions.
	 */
	override async create(
		subscription: Subscription,
		callbacks: SubscriptionCallbacks,
	): Promise<boolean> {
		const { id, origin } = subscription;
		const key = subscriptionKey(id, origin);
		if (this.#subscriptions.has(key)) return false;
		const manager = new InMemorySubscriptionManager();
		// Before its socket is open: it may be closed meanwhile.
		this.#subscriptions.set(key, manager);
		// Any request may close the subscription, but only the one that opened the socket may use it.
		const closed = Promise.withResolvers<void>();
		const end = (): void => {
			this.#subscriptions.delete(key);
			closed.resolve();
		};
		try {
			return await manager.create(subscription, {
				...callbacks,
				acknowledge: async () => {
					await this.#listen(subscription, manager, closed.promise);
					await callbacks.acknowledge();
				},
				close: async (reason) => {
					end();
					await callbacks.close(reason);
				},
			});
		} catch (error) {
			end();
			throw error;
		}
	}

	override close(
		id: string | number,
		origin: string,
		reason: 'closed' | 'cancelled',
	): boolean | Promise<boolean> {
		const manager = this.#subscriptions.get(subscriptionKey(id, origin));
		return manager?.close(id, origin, reason) ?? false;
	}

	override async closeAll(origin?: string, reason?: 'closed' | 'cancelled'): Promise<void> {
		const managers = [...this.#subscriptions.values()];
		await Promise.all(managers.map((manager) => manager.closeAll(origin, reason)));
	}

	/** Opens the socket of a subscription, in the request that owns it. */
	async #listen(
		{ id, origin, filters }: Subscription,
		manager: SubscriptionManager,
		closed: Promise<void>,
	): Promise<void> {
		const scope = currentScope();
		const purpose = {
			role: 'subscription',
			kinds: changeKindsOf(filters),
			uris: uriHashesOf(filters),
			client: await hashedClient(scope),
		} as const;
		const target = await this.#stubFor(scope);
		const { socket } = await openSocket(target, purpose, this.#openTimeoutMs);
		socket.addEventListener('message', ({ data }) => {
			if (typeof data !== 'string' || data === SOCKET_CHECK) return;
			// Safe because only the object sends on this socket, and only notifications.
			this.#reportFailure(manager.send(JSON.parse(data) as JSONRPCRequest));
		});
		// Without a socket the subscription would miss changes: close it, so that the client renews it.
		const close = (): void => this.#reportFailure(manager.close(id, origin, 'closed'));
		socket.addEventListener('close', close);
		socket.addEventListener('error', close);
		watchSocket(socket, close);
		this.#reportFailure(closed.then(() => socket.close(1000)));
	}

	/** Reports a rejection in an event handler, where it cannot be awaited. */
	#reportFailure(result: unknown): void {
		Promise.resolve(result).catch((cause: unknown) => {
			this.report(createStreamError('serving a subscription', cause));
		});
	}
}
