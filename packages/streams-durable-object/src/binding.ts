import { durableObjectKind, resolveBinding } from '@tmcp-sessions/core';
import { env } from 'cloudflare:workers';

import type { SyncLayer } from './sync-layer.ts';

/** The name of this package in errors. */
export const PACKAGE = 'streams-durable-object';

/** A Durable Object namespace of `SyncLayer`, or the name of its binding. */
export type SyncLayerBinding = string | DurableObjectNamespace<SyncLayer>;

/** The name of the binding where none is given. */
export const DEFAULT_BINDING = 'TMCP_DURABLE_OBJECT';

const KIND = durableObjectKind(PACKAGE, 'SyncLayer', DEFAULT_BINDING);

const OBJECT_NAME = 'TMCP_DURABLE_OBJECT';

/**
 * The object that streams of this deployment meet in.
 *
 * @throws {BindingError} where the binding is missing or is no Durable Object namespace.
 */
export function syncLayer(binding: SyncLayerBinding): DurableObjectStub<SyncLayer> {
	return resolveBinding(KIND, binding, env).getByName(OBJECT_NAME);
}
