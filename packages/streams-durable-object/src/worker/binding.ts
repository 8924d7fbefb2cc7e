import { durableObjectKind, resolveBinding } from '@tmcp-sessions/core/backend';
import { regionOfShard, ROOT_SHARD, shardOfSession } from '@tmcp-sessions/core/internal';
import { env } from 'cloudflare:workers';

import type { SyncLayer } from '../object/sync-layer.ts';

/** The name of this package in errors. */
export const PACKAGE = 'streams-durable-object';

/** A Durable Object namespace of `SyncLayer`, or the name of its binding. */
export type SyncLayerBinding = string | DurableObjectNamespace<SyncLayer>;

/** The name of the binding where none is given. */
export const DEFAULT_BINDING = 'TMCP_DURABLE_OBJECT';

const KIND = durableObjectKind(PACKAGE, 'SyncLayer', DEFAULT_BINDING);

/** Where the objects of a deployment are. */
export interface SyncLayers {
	readonly binding: SyncLayerBinding;
	/** What they may not leave. Objects of one jurisdiction know nothing of those of another. */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
}

/**
 * The object that is a shard. One that there was not yet is made near its region.
 *
 * @throws {BindingError} where the binding is missing or is no Durable Object namespace.
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

/** The object that a session lives in, by its id, as it is or URI encoded. */
export function syncLayerOf(layers: SyncLayers, session: string): DurableObjectStub<SyncLayer> {
	return syncLayer(layers, shardOfSession(session));
}

/** The name of the object that is a shard. */
export function objectName(shard: string): string {
	return shard === ROOT_SHARD ? 'TMCP_DURABLE_OBJECT' : `TMCP_DURABLE_OBJECT/${shard}`;
}
