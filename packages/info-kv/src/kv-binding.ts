import type { KVNamespace } from '@cloudflare/workers-types';
import { resolveBinding } from '@tmcp-sessions/core/backend';
import { env } from 'cloudflare:workers';

/** The name of the binding where none is given. */
export const DEFAULT_BINDING = 'TMCP_SESSION_INFO';

/**
 * The KV namespace of this name in `env` of `cloudflare:workers`, or the one given, its shape checked.
 *
 * @throws {BindingError} where there is none or it is something else.
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
