import { resolveBinding } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';
import {
	regionOfShard,
	ROOT_SHARD,
	shardOfSession,
	SYNC_LAYER_KIND,
} from '@tmcp-sessions/core/internal';
import { env } from 'cloudflare:workers';

import type { SocketTarget } from './open-socket.ts';
import type { SyncLayer } from '../object/sync-layer.ts';
import { ROOT_OBJECT_NAME } from '../wire/object-name.ts';

/** A Durable Object namespace of `SyncLayer`, or the name of its binding. */
export type SyncLayerBinding = string | DurableObjectNamespace<SyncLayer>;

/** The default name of the binding. */
export const DEFAULT_BINDING: string = SYNC_LAYER_KIND.defaultName;

/** The objects that a manager uses. */
export interface SyncLayers {
	readonly binding: SyncLayerBinding;
	/** Objects of one jurisdiction share no streams with those of another. */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
}

/** Names the namespace of the objects. */
export function layersRequirement({ binding }: SyncLayers): BindingRequirement {
	return { kind: SYNC_LAYER_KIND, binding, env };
}

/**
 * Returns the object of a shard. A new object is created near the shard's region.
 *
 * @throws {BindingError} if the binding is missing or is not a Durable Object namespace.
 */
export function syncLayer(layers: SyncLayers, shard: string): DurableObjectStub<SyncLayer> {
	const { binding, jurisdiction } = layers;
	const all = resolveBinding(SYNC_LAYER_KIND, binding, env);
	const namespace = jurisdiction ? all.jurisdiction(jurisdiction) : all;
	const locationHint = regionOfShard(shard);
	const name = shard === ROOT_SHARD ? ROOT_OBJECT_NAME : `${ROOT_OBJECT_NAME}/${shard}`;
	return namespace.getByName(name, locationHint && { locationHint });
}

/** Returns the object of a shard, to open a socket to. */
export function syncLayerTarget(layers: SyncLayers, shard: string = ROOT_SHARD): SocketTarget {
	return {
		stub: syncLayer(layers, shard),
		shard: shard === ROOT_SHARD ? undefined : shard,
		requirement: layersRequirement(layers),
	};
}

/** Returns the object of a session, by its id, URI encoded or not. */
export function syncLayerOf(layers: SyncLayers, session: string): DurableObjectStub<SyncLayer> {
	return syncLayer(layers, shardOfSession(session));
}
