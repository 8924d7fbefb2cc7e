import type { KVNamespace } from '@cloudflare/workers-types';
import { createInterceptedKV } from './intercepted-kv.ts';

const CACHED_MS = 60_000;

/**
 * A namespace as one location of Workers KV sees it: what was read there, a missing key too, is
 * answered from its cache for a minute. Its own writes it sees at once, those of others when the
 * minute is over. miniflare's namespaces are consistent; two of these over one of them are not.
 *
 * @param now the time in milliseconds.
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
