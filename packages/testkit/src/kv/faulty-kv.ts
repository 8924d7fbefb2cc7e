import type { KVNamespace } from '@cloudflare/workers-types';
import { createInterceptedKV } from './intercepted-kv.ts';
import type { KVCall } from './intercepted-kv.ts';

/**
 * Wraps a namespace and calls `fault` before every operation. It throws or rejects to make the
 * operation fail, returns a promise to delay it, or returns nothing.
 */
export function createFaultyKV(
	namespace: KVNamespace,
	fault: (call: KVCall) => Promise<void> | void,
): KVNamespace {
	return createInterceptedKV(namespace, async (call, proceed) => {
		await fault(call);
		return proceed();
	});
}

/**
 * Wraps a namespace and adds the limit of Workers KV that Miniflare lacks: rejects a second write to
 * a key within a second with the error for status 429.
 *
 * @param now returns the time in milliseconds.
 * @see https://developers.cloudflare.com/kv/platform/limits/
 */
export function createRateLimitedKV(namespace: KVNamespace, now: () => number): KVNamespace {
	const writtenAtMs = new Map<string, number>();
	return createFaultyKV(namespace, ({ operation, key }) => {
		if (operation !== 'write' && operation !== 'delete') return;
		if (now() - (writtenAtMs.get(key) ?? -Infinity) < 1_000) {
			const method = operation === 'write' ? 'PUT' : 'DELETE';
			throw new Error(`KV ${method} failed: 429 Too Many Requests`);
		}
		writtenAtMs.set(key, now());
	});
}
