import { durableObjectKind, resolveBinding } from '@tmcp-sessions/core/backend';
import { regionOfShard, ROOT_SHARD, shardOfSession } from '@tmcp-sessions/core/internal';
import { env } from 'cloudflare:workers';

import type { SyncLayer } from '../object/sync-layer.ts';
import { PACKAGE } from '../package-name.ts';
import { objectName } from '../wire/object-name.ts';

/** A Durable Object namespace of `SyncLayer`, or the name of its binding. */
export type SyncLayerBinding = string | DurableObjectNamespace<SyncLayer>;

/** The default name of the binding. */
export const DEFAULT_BINDING = 'TMCP_DURABLE_OBJECT';

const KIND = durableObjectKind(PACKAGE, 'SyncLayer', DEFAULT_BINDING);

/** The objects that a manager uses. */
export interface SyncLayers {
	readonly binding: SyncLayerBinding;
	/** Objects of one jurisdiction share no streams with those of another. */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
}

/**
 * Returns the object of a shard. A new object is created near the shard's region.
 *
 * @throws {BindingError} if the binding is missing or is not a Durable Object namespace.
 */
export function syncLayer(
	layers: SyncLayers,
	shard: string = ROOT_SHARD,
): DurableObjectStub<SyncLayer> {
	const { binding, jurisdiction } = layers;
	const all = resolveBinding(KIND, binding, env);
	const namespace = jurisdiction ? all.jurisdiction(jurisdiction) : all;
	const locationHint = regionOfShard(shard);
	return namespace.getByName(objectName(shard), locationHint && { locationHint });
}

/** Returns the object of a session, by its id, URI encoded or not. */
export function syncLayerOf(layers: SyncLayers, session: string): DurableObjectStub<SyncLayer> {
	return syncLayer(layers, shardOfSession(session));
}
