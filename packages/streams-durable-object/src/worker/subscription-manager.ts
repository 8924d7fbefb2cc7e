import { StreamError } from '@tmcp-sessions/core';
import {
	createReporter,
	currentScope,
	hashUri,
	keepRequestAlive,
} from '@tmcp-sessions/core/backend';
import { ROOT_SHARD } from '@tmcp-sessions/core/internal';
import { InMemorySubscriptionManager, SubscriptionManager } from '@tmcp/session-manager';
import type { Subscription, SubscriptionCallbacks } from '@tmcp/session-manager';
import type { JSONRPCRequest } from 'json-rpc-2.0';
import { waitUntil } from 'cloudflare:workers';

import { DEFAULT_BINDING, PACKAGE } from './binding.ts';
import type { SyncLayerBinding, SyncLayers } from './binding.ts';
import { listenerKey } from '../wire/principal-key.ts';
import { lengthProblem } from '../wire/limits.ts';
import { openSocket } from './open-socket.ts';
import { publisherOf } from './publisher.ts';
import { kindsOf, urisOf } from '../wire/socket-purpose.ts';
import type { SyncLayerOptions } from './stream-session-manager.ts';

interface Listener {
	readonly origin: string;
	readonly local: InMemorySubscriptionManager;
}

/**
 * The listeners of the stateless era (`subscriptions/listen`), wherever their isolates are: each
 * holds one socket to the `SyncLayer`, opened before the subscription is acknowledged.
 *
 * The object sends what a listener asked for, by kind and by uri. Where a hash of a uri is that of
 * another one, or the uris are more than 1,000, it sends more; what is sent before the
 * acknowledgement is out, the order after it, and the last look at a uri are left to tmcp's own
 * in-memory manager, one for each listener.
 */
export class DurableObjectSubscriptionManager extends SubscriptionManager {
	readonly #layers: SyncLayers;
	readonly #report: (cause: unknown) => void;
	readonly #openTimeoutMs: number | undefined;
	readonly #listeners = new Map<string, Listener>();

	/** @param binding a Durable Object namespace of `SyncLayer`, or the name of its binding. */
	constructor(binding: SyncLayerBinding = DEFAULT_BINDING, options: SyncLayerOptions = {}) {
		super();
		this.#layers = { binding, jurisdiction: options.jurisdiction };
		this.#report = createReporter(options.onError);
		this.#openTimeoutMs = options.openTimeoutMs;
	}

	/**
	 * Registers a listener and acknowledges it once changes from every isolate reach it.
	 *
	 * @returns false where its origin has a listener of this id already.
	 * @throws {StreamError} where the object cannot be reached, or its client has 1,024 open listeners.
	 */
	override async create(
		subscription: Subscription,
		callbacks: SubscriptionCallbacks,
	): Promise<boolean> {
		const { id, origin } = subscription;
		const key = listenerKey(id, origin);
		if (this.#listeners.has(key)) return false;
		const local = new InMemorySubscriptionManager();
		this.#listeners.set(key, { origin, local });
		// Any request may close the listener, but only the one that opened the socket may touch it.
		const closed = Promise.withResolvers<void>();
		const end = (): void => {
			this.#listeners.delete(key);
			closed.resolve();
		};
		try {
			// Known before its socket is there: it may be closed while that is opened.
			return await local.create(subscription, {
				...callbacks,
				acknowledge: async () => {
					await this.#listen(subscription, local, closed.promise);
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

	/** Tells the listeners of every isolate; never rejects. A failure goes to `onError`. */
	override send(notification: JSONRPCRequest): Promise<void> {
		const sending = this.#publish(notification);
		keepRequestAlive(sending, waitUntil);
		return sending;
	}

	override close(
		id: string | number,
		origin: string,
		reason: 'closed' | 'cancelled',
	): boolean | Promise<boolean> {
		return this.#listeners.get(listenerKey(id, origin))?.local.close(id, origin, reason) ?? false;
	}

	override async closeAll(
		origin?: string,
		reason: 'closed' | 'cancelled' = 'cancelled',
	): Promise<void> {
		const listeners = [...this.#listeners.values()].filter(
			(listener) => origin === undefined || listener.origin === origin,
		);
		await Promise.all(
			listeners.map((listener) => listener.local.closeAll(listener.origin, reason)),
		);
	}

	/** Opens the socket of a listener, in the request that owns it, until the listener is closed. */
	async #listen(
		{ id, origin, filters }: Subscription,
		local: SubscriptionManager,
		closed: Promise<void>,
	): Promise<void> {
		// Empty where requests are authorized for nobody: one client's listeners are no other's.
		const owner = await hashUri(currentScope()?.principal || origin);
		const purpose = {
			role: 'listener',
			kinds: kindsOf(filters),
			uris: urisOf(filters),
			owner,
		} as const;
		// It has no session that could say where.
		const shard = currentScope()?.shard ?? ROOT_SHARD;
		const { socket } = await openSocket(this.#layers, shard, purpose, this.#openTimeoutMs);
		socket.addEventListener('message', ({ data }) => this.#deliver(local, data));
		// Without its socket it would miss changes in silence: its client is told, and listens again.
		const lost = (): void => this.#handled(local.close(id, origin, 'closed'));
		socket.addEventListener('close', lost);
		socket.addEventListener('error', lost);
		this.#handled(closed.then(() => socket.close(1000)));
	}

	#deliver(local: SubscriptionManager, data: unknown): void {
		if (typeof data !== 'string') return;
		// Sound: only SyncLayer holds the other end, and it sends what `send` was given.
		const notification = JSON.parse(data) as JSONRPCRequest;
		this.#handled(local.send(notification));
	}

	async #publish(notification: JSONRPCRequest): Promise<void> {
		const onFailure = (cause: unknown): void =>
			this.#report(new StreamError(PACKAGE, 'telling listeners', cause));
		try {
			const problem = lengthProblem(JSON.stringify(notification).length);
			if (problem) return onFailure(problem);
			await publisherOf(this.#layers).publish({ notification }, onFailure);
		} catch (cause) {
			onFailure(cause);
		}
	}

	/** For work that an event starts and nobody awaits. */
	#handled(work: unknown): void {
		Promise.resolve(work).catch((cause: unknown) => {
			this.#report(new StreamError(PACKAGE, 'serving a listener', cause));
		});
	}
}
