import { classErrorOf } from '@tmcp-sessions/core/backend';
import { fnv1a, ROOT_SHARD, shardLabel } from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { layersRequirement, syncLayer } from './binding.ts';
import type { SyncLayers } from './binding.ts';
import { publish } from './publisher.ts';
import type { SyncLayer } from '../object/sync-layer.ts';
import { createStreamError } from '../stream-error.ts';
import type { ChangeReceiver } from '../wire/change-interests.ts';

/**
 * The shards of receivers. The root takes the first ones. When the shard of a receiver is full, it
 * registers at one of the next level: each publication goes to the shards that have receivers, and each
 * of them sends to a bounded number of objects.
 */
const LEVELS = [
	{ first: 0, count: 1 },
	{ first: 1, count: 8 },
	{ first: 9, count: 64 },
	{ first: 73, count: 183 },
] as const;

/**
 * Registers a receiver. Once this has resolved, it receives every change that is published.
 *
 * @returns the receiver's shard.
 * @throws {StreamError} if a shard cannot be reached, or does not find the receiver's namespace.
 * @throws {BindingError} if the binding is missing or is not one of `SyncLayer`.
 */
export async function addReceiver(layers: SyncLayers, receiver: ChangeReceiver): Promise<string> {
	const hash = fnv1a(receiver.object);
	for (const { first, count } of LEVELS.slice(0, -1)) {
		const shard = shardLabel(undefined, first + (hash % count));
		const isAdded = await atShard(layers, shard, (layer) =>
			layer.addReceiver(receiver, headerOf(shard)),
		);
		if (isAdded) return shard;
	}
	const { first, count } = LEVELS[3];
	const shard = shardLabel(undefined, first + (hash % count));
	await updateReceiver(layers, shard, receiver);
	return shard;
}

/** Replaces the interests of a receiver at its shard, whether the shard is full or not. */
export async function updateReceiver(
	layers: SyncLayers,
	shard: string,
	receiver: ChangeReceiver,
): Promise<void> {
	await atShard(layers, shard, (layer) => layer.addReceiver(receiver, headerOf(shard), true));
}

/** Removes a receiver from its shard. */
export async function removeReceiver(
	layers: SyncLayers,
	shard: string,
	{ object, token }: Pick<ChangeReceiver, 'object' | 'token'>,
): Promise<void> {
	await atShard(layers, shard, (layer) => layer.removeReceiver(object, token));
}

/**
 * Publishes a change to the receivers and the subscriptions that selected it. Resolves when every
 * shard has stored it.
 *
 * @throws {StreamError} if a shard cannot be reached. Others may have the change.
 * @throws {BindingError} if the binding is missing or is not one of `SyncLayer`.
 */
export async function publishToReceivers(
	layers: SyncLayers,
	notification: JSONRPCRequest,
): Promise<void> {
	const failures: unknown[] = [];
	await publish(layers, { notification, isForReceivers: true }, (cause) => failures.push(cause));
	if (failures.length > 0) throw failures[0];
}

async function atShard<Result>(
	layers: SyncLayers,
	shard: string,
	rpc: (layer: DurableObjectStub<SyncLayer>) => Promise<Result>,
): Promise<Result> {
	try {
		return await rpc(syncLayer(layers, shard));
	} catch (cause) {
		throw (
			classErrorOf(layersRequirement(layers), cause) ??
			createStreamError('registering an object at SyncLayer', cause)
		);
	}
}

/** The root is not registered. */
function headerOf(shard: string): string | null {
	return shard === ROOT_SHARD ? null : shard;
}
