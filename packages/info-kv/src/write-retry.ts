import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';

const ATTEMPTS = 5;
const PAUSE_MS = 1_050;
const JITTER_MS = 450;

/**
 * Runs `write` again where KV refuses it with a 429 for coming too soon after another write to the
 * same key: one a second is taken. The pauses differ, or writers refused together would come back together.
 *
 * @param sleep waits so many milliseconds.
 * @throws what `write` throws: any other failure at once, a 429 at the fifth time.
 * @see https://developers.cloudflare.com/kv/platform/limits/
 */
export async function retryWhenTooSoon<Result>(
	write: () => Promise<Result>,
	sleep: (ms: number) => Promise<void>,
): Promise<Result> {
	for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
		try {
			return await write();
		} catch (cause) {
			if (!isTooSoon(cause)) throw cause;
			await sleep(PAUSE_MS + Math.random() * JITTER_MS);
		}
	}
	return write();
}

// KV gives the status in the text alone: "KV PUT failed: 429 Too Many Requests".
function isTooSoon(cause: unknown): boolean {
	return !(cause instanceof TmcpSessionsError) && /\b429\b/.test(reasonOf(cause));
}
