import { createReporter } from '@tmcp-sessions/core/backend';
import { BoundedSubscriptionManager, rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { EveryUriSubscriptions } from '@tmcp-sessions/core/internal';
import type { RedisConnection } from '@tmcp-sessions/redis';
import { SubscriptionManager } from '@tmcp/session-manager';
import type { Subscription, SubscriptionCallbacks } from '@tmcp/session-manager';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { DEFAULT_BOUNDS, prefixOf, REDIS_MANAGER_OPTIONS, streamMsOf } from './options.ts';
import type { RedisManagerOptions } from './options.ts';
import { PACKAGE } from './package-name.ts';
import { processLinkOf } from './process/process-link.ts';
import type { ProcessLink } from './process/process-link.ts';
import { createStreamError } from './stream-error.ts';

/** Options of `RedisSubscriptionManager`. */
export type RedisSubscriptionOptions = RedisManagerOptions;

/**
 * Manages the subscriptions of the stateless era (`subscriptions/listen`) across processes, over Redis.
 *
 * A subscription has no replay. It ends with an empty result, so that its client listens again, if the
 * connection to Redis was lost and after `maxStreamSeconds`: changes in between do not reach it.
 */
export class RedisSubscriptionManager extends SubscriptionManager implements EveryUriSubscriptions {
	readonly deliversEveryUri = true;
	readonly #link: ProcessLink;
	readonly #maxStreamMs: number | undefined;
	readonly #report: (cause: unknown) => void;
	readonly #local = new BoundedSubscriptionManager();

	/** @param redis of `connectRedis` or `connectUpstash`. Managers that share it share its subscription. */
	constructor(redis: RedisConnection, options: RedisSubscriptionOptions = {}) {
		super();
		rejectUnknownOptions(options, REDIS_MANAGER_OPTIONS, PACKAGE, 'RedisSubscriptionManager');
		this.#link = processLinkOf(redis, prefixOf(redis, options.prefix));
		this.#maxStreamMs = streamMsOf(options.maxStreamSeconds);
		this.#report = createReporter(options.onError);
		const closeAll = (): void => this.#reportFailure(this.#local.closeAll(undefined, 'closed'));
		this.#link.addListener({
			onEvent: (event) => {
				if (event[0] === 'n') this.#reportFailure(this.#local.send(event[1]));
			},
			onLoss: closeAll,
			onReconnect: () => {},
			onFailure: closeAll,
			leases: () => [],
		});
	}

	/**
	 * Registers a subscription, and acknowledges it once changes from every process reach it.
	 *
	 * @returns false if the origin has a subscription of this id.
	 * @throws {StreamError} if Redis cannot be reached, or the client has 1,024 open subscriptions here.
	 */
	override async create(
		subscription: Subscription,
		callbacks: SubscriptionCallbacks,
	): Promise<boolean> {
		const { id, origin } = subscription;
		let isHeld = false;
		let timer: ReturnType<typeof setTimeout> | undefined;
		const release = (): void => {
			if (timer !== undefined) clearTimeout(timer);
			if (isHeld) this.#link.release();
			isHeld = false;
		};
		try {
			return await this.#local.create(subscription, {
				...callbacks,
				acknowledge: async () => {
					await this.#link.hold('opening a subscription', DEFAULT_BOUNDS);
					isHeld = true;
					await callbacks.acknowledge();
					if (this.#maxStreamMs === undefined) return;
					const end = (): void => this.#reportFailure(this.#local.close(id, origin, 'closed'));
					timer = setTimeout(end, this.#maxStreamMs);
				},
				close: async (reason) => {
					release();
					await callbacks.close(reason);
				},
			});
		} catch (error) {
			release();
			throw error;
		}
	}

	/** Sends a notification to the subscriptions of every process. Never rejects: failures go to `onError`. */
	override async send(notification: JSONRPCRequest): Promise<void> {
		const publication = { json: JSON.stringify(notification), isNotification: true };
		try {
			await this.#link.publisher.publish(publication, DEFAULT_BOUNDS);
		} catch (cause) {
			this.#report(createStreamError('sending a notification', cause));
		}
	}

	override close(
		id: string | number,
		origin: string,
		reason: 'closed' | 'cancelled',
	): boolean | Promise<boolean> {
		return this.#local.close(id, origin, reason);
	}

	override async closeAll(origin?: string, reason?: 'closed' | 'cancelled'): Promise<void> {
		await this.#local.closeAll(origin, reason);
	}

	#reportFailure(result: unknown): void {
		Promise.resolve(result).catch((cause: unknown) => {
			this.#report(createStreamError('serving a subscription', cause));
		});
	}
}
