import { resolveBinding } from '@tmcp-sessions/core';
import { env } from 'cloudflare:workers';

import type { SyncLayer } from './sync-layer.ts';

/** The name of this package in errors. */
export const PACKAGE = 'streams-durable-object';

/** A Durable Object namespace of `SyncLayer`, or the name of its binding. */
export type SyncLayerBinding = string | DurableObjectNamespace<SyncLayer>;

/** The name of the binding where none is given. */
export const DEFAULT_BINDING = 'TMCP_DURABLE_OBJECT';

const OBJECT_NAME = 'TMCP_DURABLE_OBJECT';

/**
 * The object that streams of this deployment meet in.
 *
 * @throws {BindingError} where the binding is missing or is no Durable Object namespace.
 */
export function syncLayer(binding: SyncLayerBinding): DurableObjectStub<SyncLayer> {
	return resolveBinding(
		{
			packageName: PACKAGE,
			what: 'a Durable Object namespace',
			defaultName: DEFAULT_BINDING,
			methods: ['newUniqueId', 'idFromName', 'getByName'],
			wranglerLines: (name) =>
				`  "durable_objects": { "bindings": [{ "name": "${name}", "class_name": "SyncLayer" }] },\n` +
				'  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["SyncLayer"] }]\n\n' +
				`and the Worker's entry:\n\n  export { SyncLayer } from '@tmcp-sessions/${PACKAGE}';`,
		},
		binding,
		env,
	).getByName(OBJECT_NAME);
}
