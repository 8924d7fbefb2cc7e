import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';

const ATTEMPTS = 5;
const PAUSE_MS = 1_050;
const JITTER_MS = 450;

/**
 * Retries a write that KV rejects with a 429 because it follows another write to the same key: KV
 * accepts one write per second and key. Pauses are random, so that concurrent writers do not collide
 * again.
 *
 * @param sleep waits for a number of milliseconds.
 * @throws the error of `write`: at once for other failures, after the fifth attempt for a 429.
 * @see https://developers.cloudflare.com/kv/platform/limits/
 */
export async function retryRateLimited<Result>(
	write: () => Promise<Result>,
	sleep: (ms: number) => Promise<void>,
): Promise<Result> {
	for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
		try {
			return await write();
		} catch (cause) {
			if (!isRateLimited(cause)) throw cause;
			await sleep(PAUSE_MS + Math.random() * JITTER_MS);
		}
	}
	return write();
}

// KV reports the status only in the message: "KV PUT failed: 429 Too Many Requests".
function isRateLimited(cause: unknown): boolean {
	return !(cause instanceof TmcpSessionsError) && /\b429\b/.test(reasonOf(cause));
}
