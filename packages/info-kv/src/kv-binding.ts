import { resolveBinding } from '@tmcp-sessions/core/backend';
import type { BindingKind, BindingRequirement } from '@tmcp-sessions/core/backend';
import { env } from 'cloudflare:workers';

/** The default name of the binding. */
export const DEFAULT_BINDING = 'TMCP_SESSION_INFO';

const KIND: BindingKind = {
	packageName: 'info-kv',
	what: 'a Workers KV namespace',
	methods: ['get', 'getWithMetadata', 'put', 'list', 'delete'],
	defaultName: DEFAULT_BINDING,
	wranglerLines: (name) =>
		`  // Older wrangler needs the "id", too, that npx wrangler kv namespace create ${name} prints.\n` +
		`  "kv_namespaces": [{ "binding": "${name}" }]`,
};

/** Names the KV namespace of a store. */
export function kvRequirement(binding: string | KVNamespace): BindingRequirement {
	return { kind: KIND, binding, env };
}

/**
 * Returns the KV namespace of this name in the `env` of `cloudflare:workers`, or the given one.
 *
 * @throws {BindingError} if it is missing or not a KV namespace.
 */
export function kvNamespace(binding: string | KVNamespace): KVNamespace {
	return resolveBinding(KIND, binding, env);
}
