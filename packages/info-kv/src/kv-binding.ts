import { resolveBinding } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';
import { KV_KIND } from '@tmcp-sessions/core/internal';
import { env } from 'cloudflare:workers';

/** The default name of the binding. */
export const DEFAULT_BINDING: string = KV_KIND.defaultName;

/** Names the KV namespace of a store. */
export function kvRequirement(binding: string | KVNamespace): BindingRequirement {
	return { kind: KV_KIND, binding, env };
}

/**
 * Returns the KV namespace of this name in the `env` of `cloudflare:workers`, or the given one.
 *
 * @throws {BindingError} if it is missing or not a KV namespace.
 */
export function kvNamespace(binding: string | KVNamespace): KVNamespace {
	return resolveBinding(KV_KIND, binding, env);
}
