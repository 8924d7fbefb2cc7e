import { resolveBinding } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';
import { SESSION_SHARD_KIND } from '@tmcp-sessions/core/internal';
import { env } from 'cloudflare:workers';

import type { SessionShard } from './session-shard.ts';

/** The default name of the binding. */
export const DEFAULT_BINDING: string = SESSION_SHARD_KIND.defaultName;

/** A Durable Object namespace of `SessionShard`, or the name of its binding. */
export type SessionShardBinding = string | DurableObjectNamespace<SessionShard>;

/** Names the namespace of a store. */
export function shardRequirement(binding: SessionShardBinding): BindingRequirement {
	return { kind: SESSION_SHARD_KIND, binding, env };
}

/**
 * Returns the namespace of the objects.
 *
 * @param jurisdiction restricts where the objects store data, if given.
 * @throws {BindingError} if the binding is missing or not a Durable Object namespace.
 */
export function sessionShards(
	binding: SessionShardBinding,
	jurisdiction?: DurableObjectJurisdiction,
): DurableObjectNamespace<SessionShard> {
	const namespace = resolveBinding(SESSION_SHARD_KIND, binding, env);
	return jurisdiction ? namespace.jurisdiction(jurisdiction) : namespace;
}
