import { durableObjectKind, resolveBinding } from '@tmcp-sessions/core/backend';
import { env } from 'cloudflare:workers';

import type { SessionShard } from './session-shard.ts';

/** The name of this package in errors. */
export const PACKAGE = 'info-durable-object';

/** The name of the binding where none is given. */
export const DEFAULT_BINDING = 'TMCP_SESSION_SHARD';

const KIND = durableObjectKind(PACKAGE, 'SessionShard', DEFAULT_BINDING);

/** A Durable Object namespace of `SessionShard`, or the name of its binding. */
export type SessionShardBinding = string | DurableObjectNamespace<SessionShard>;

/**
 * The namespace that the objects are in.
 *
 * @param jurisdiction what they may not leave, where there is anything.
 * @throws {BindingError} where the binding is missing or is no Durable Object namespace.
 */
export function sessionShards(
	binding: SessionShardBinding,
	jurisdiction?: DurableObjectJurisdiction,
): DurableObjectNamespace<SessionShard> {
	const namespace = resolveBinding(KIND, binding, env);
	return jurisdiction ? namespace.jurisdiction(jurisdiction) : namespace;
}
