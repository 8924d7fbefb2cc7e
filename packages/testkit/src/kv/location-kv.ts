import type { KVNamespace } from '@cloudflare/workers-types';
import { createInterceptedKV } from './intercepted-kv.ts';

const CACHED_MS = 60_000;

/**
 * Wraps a namespace and adds the cache that Workers KV has in each location: a read, even of a missing
 * key, is repeated from the cache for a minute. A location sees its own writes at once and those of
 * others after that minute. Miniflare's namespaces are strongly consistent; two of these over one
 * namespace are not.
 *
 * @param now returns the time in milliseconds.
 * @see https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency
 */
export function createLocationKV(namespace: KVNamespace, now: () => number): KVNamespace {
	const cache = new Map<string, { readonly value: unknown; readonly untilMs: number }>();
	return createInterceptedKV(namespace, async ({ operation, key }, proceed) => {
		if (operation !== 'read') {
			const result = await proceed();
			cache.delete(key);
			return result;
		}
		const cached = cache.get(key);
		if (cached && now() < cached.untilMs) return cached.value;
		const value = await proceed();
		cache.set(key, { value, untilMs: now() + CACHED_MS });
		return value;
	});
}
