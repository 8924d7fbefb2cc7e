import type { KVNamespace } from '@cloudflare/workers-types';
import { resolveBinding } from '@tmcp-sessions/core/backend';
import { env } from 'cloudflare:workers';

/** The default name of the binding. */
export const DEFAULT_BINDING = 'TMCP_SESSION_INFO';

/**
 * Returns the KV namespace of this name in the `env` of `cloudflare:workers`, or the given one.
 *
 * @throws {BindingError} if it is missing or not a KV namespace.
 */
export function kvNamespace(binding: string | KVNamespace): KVNamespace {
	return resolveBinding(
		{
			packageName: 'info-kv',
			what: 'a Workers KV namespace',
			methods: ['get', 'getWithMetadata', 'put', 'list', 'delete'],
			defaultName: DEFAULT_BINDING,
			wranglerLines: (name) =>
				`  "kv_namespaces": [\n` +
				`    { "binding": "${name}", "id": "<printed by: npx wrangler kv namespace create ${name}>" }\n` +
				`  ]`,
		},
		binding,
		env,
	);
}
