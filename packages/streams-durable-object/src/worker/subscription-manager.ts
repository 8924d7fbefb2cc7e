import { StreamError } from '@tmcp-sessions/core';
import { keepRequestAlive } from '@tmcp-sessions/core/backend';
import { ROOT_SHARD } from '@tmcp-sessions/core/internal';
import { waitUntil } from 'cloudflare:workers';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { DEFAULT_BINDING, syncLayer } from './binding.ts';
import type { SyncLayerBinding, SyncLayers } from './binding.ts';
import { publisherOf } from './publisher.ts';
import { SocketSubscriptionManager } from './socket-subscription-manager.ts';
import type { SyncLayerOptions } from './sync-layer-options.ts';
import { PACKAGE } from '../package-name.ts';
import { lengthProblem } from '../wire/limits.ts';

/**
 * Manages the subscriptions of the stateless era (`subscriptions/listen`) across isolates. Each holds
 * one socket to the `SyncLayer`, opened before the subscription is acknowledged.
 */
export class DurableObjectSubscriptionManager extends SocketSubscriptionManager {
	readonly #layers: SyncLayers;

	/** @param binding a Durable Object namespace of `SyncLayer`, or the name of its binding. */
	constructor(binding: SyncLayerBinding = DEFAULT_BINDING, options: SyncLayerOptions = {}) {
		const layers = { binding, jurisdiction: options.jurisdiction };
		super((scope) => {
			// A subscription has no session whose id names the shard.
			const shard = scope?.shard ?? ROOT_SHARD;
			return { stub: syncLayer(layers, shard), shard };
		}, options);
		this.#layers = layers;
	}

	/** Sends a notification to the subscriptions of every isolate. Never rejects: failures are reported to `onError`. */
	override send(notification: JSONRPCRequest): Promise<void> {
		const sending = this.#publish(notification);
		keepRequestAlive(sending, waitUntil);
		return sending;
	}

	async #publish(notification: JSONRPCRequest): Promise<void> {
		const onFailure = (cause: unknown): void =>
			this.report(new StreamError(PACKAGE, 'notifying subscriptions', cause));
		try {
			const problem = lengthProblem(JSON.stringify(notification).length);
			if (problem) return onFailure(problem);
			await publisherOf(this.#layers).publish({ notification }, onFailure);
		} catch (cause) {
			onFailure(cause);
		}
	}
}
