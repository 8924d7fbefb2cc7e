import { resolveBinding } from '@tmcp-sessions/core';
import { env } from 'cloudflare:workers';

import type { SessionShard } from './session-shard.ts';

/** The name of this package in errors. */
export const PACKAGE = 'info-durable-object';

/** The name of the binding where none is given. */
export const DEFAULT_BINDING = 'TMCP_SESSION_OBJECT';

/** A Durable Object namespace of `SessionShard`, or the name of its binding. */
export type SessionShardBinding = string | DurableObjectNamespace<SessionShard>;

/**
 * The namespace that the shards are in.
 *
 * @throws {BindingError} where the binding is missing or is no Durable Object namespace.
 */
export function sessionShards(binding: SessionShardBinding): DurableObjectNamespace<SessionShard> {
	return resolveBinding(
		{
			packageName: PACKAGE,
			what: 'a Durable Object namespace',
			defaultName: DEFAULT_BINDING,
			methods: ['newUniqueId', 'idFromName', 'getByName'],
			wranglerLines: (name) =>
				`  "durable_objects": { "bindings": [{ "name": "${name}", "class_name": "SessionShard" }] },\n` +
				'  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["SessionShard"] }]\n\n' +
				`and the Worker's entry:\n\n  export { SessionShard } from '@tmcp-sessions/${PACKAGE}';`,
		},
		binding,
		env,
	);
}
