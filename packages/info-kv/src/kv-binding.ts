import type { KVNamespace } from '@cloudflare/workers-types';
import { BindingError } from '@tmcp-sessions/core';
import { env } from 'cloudflare:workers';

const METHODS = ['get', 'getWithMetadata', 'put', 'list', 'delete'] as const;

/**
 * The KV namespace of this name in `env` of `cloudflare:workers`, or the one given, its shape checked.
 *
 * @throws {BindingError} where there is none or it is something else.
 */
export function kvNamespace(binding: string | KVNamespace): KVNamespace {
	// Sound: `env` is an object with a property for each binding.
	const found: unknown =
		typeof binding === 'string' ? (env as unknown as Record<string, unknown>)[binding] : binding;
	if (isKVNamespace(found)) return found;
	const name = typeof binding === 'string' ? binding : 'TMCP_SESSION_INFO';
	const what =
		typeof binding === 'string'
			? `the binding ${binding} should be`
			: 'KVInfoSessionManager should be given the name of a binding or';
	throw new BindingError(
		'info-kv',
		`${what} a Workers KV namespace; found ${describe(found)}. wrangler.jsonc needs:\n\n` +
			`  "kv_namespaces": [\n` +
			`    { "binding": "${name}", "id": "<printed by: npx wrangler kv namespace create ${name}>" }\n` +
			`  ]\n`,
	);
}

function isKVNamespace(value: unknown): value is KVNamespace {
	if (!isObject(value)) return false;
	// A service binding has every method that it is asked for, `fetch` among them.
	return METHODS.every((method) => typeof value[method] === 'function') && !('fetch' in value);
}

/** What was found, never its value: a variable may hold a secret. */
function describe(found: unknown): string {
	if (found === undefined || found === null) return `nothing (${String(found)})`;
	if (!isObject(found)) return `a ${typeof found}`;
	if ('fetch' in found) return 'a service binding';
	if ('idFromName' in found) return 'a Durable Object namespace';
	const missing = METHODS.filter((method) => typeof found[method] !== 'function');
	return `an object without ${missing.map((method) => `${method}()`).join(', ')}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
	return (typeof value === 'object' || typeof value === 'function') && value !== null;
}
