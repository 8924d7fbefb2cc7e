import type { BindingRequirement, BindingUser } from '@tmcp-sessions/core/backend';
import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { DEFAULT_BINDING, layersRequirement, syncLayerTarget } from './binding.ts';
import type { SyncLayerBinding, SyncLayers } from './binding.ts';
import { publish } from './publisher.ts';
import { STREAM_OPTIONS } from './stream-session-manager.ts';
import { SocketSubscriptionManager } from './socket-subscription-manager.ts';
import { PACKAGE } from '../package-name.ts';
import type { SyncLayerOptions } from './sync-layer-options.ts';

/**
 * Manages the subscriptions of the stateless era (`subscriptions/listen`) across isolates. Each holds
 * one socket to the `SyncLayer`, opened before the subscription is acknowledged.
 */
export class DurableObjectSubscriptionManager
	extends SocketSubscriptionManager
	implements BindingUser
{
	readonly #layers: SyncLayers;

	/** @param binding a Durable Object namespace of `SyncLayer`, or the name of its binding. */
	constructor(binding: SyncLayerBinding = DEFAULT_BINDING, options: SyncLayerOptions = {}) {
		rejectUnknownOptions(options, STREAM_OPTIONS, PACKAGE, 'DurableObjectSubscriptionManager');
		const layers = { binding, jurisdiction: options.jurisdiction };
		// The request names the shard, since a subscription has no session id that would.
		super((scope) => syncLayerTarget(layers, scope?.shard), options);
		this.#layers = layers;
	}

	requiredBindings(): readonly BindingRequirement[] {
		return [layersRequirement(this.#layers)];
	}

	/** Sends a notification to the subscriptions of every isolate. Never rejects: failures are reported to `onError`. */
	override send(notification: JSONRPCRequest): Promise<void> {
		return publish(this.#layers, { notification }, this.report);
	}
}
