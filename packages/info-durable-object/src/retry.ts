const ATTEMPTS = 3;
const PAUSE_MS = 50;

/**
 * Retries an RPC if the platform marks its failure as retryable. The RPC must be idempotent: it may
 * have run although its response was lost.
 *
 * @param call creates its stub on each attempt, because a stub stays broken after a failure.
 * @param sleep waits for a number of milliseconds.
 * @throws the error of `call`: at once if it is not retryable, else after the third attempt.
 * @see https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
export async function retryTransient<Result>(
	call: () => Promise<Result>,
	sleep: (ms: number) => Promise<void>,
): Promise<Result> {
	for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
		try {
			return await call();
		} catch (cause) {
			if (!isRetryable(cause)) throw cause;
			await sleep(PAUSE_MS * 2 ** attempt * (0.5 + Math.random()));
		}
	}
	return call();
}

/** Does not retry calls to an overloaded object, which would add to its load. */
function isRetryable(cause: unknown): boolean {
	if (!(cause instanceof Error)) return false;
	return Reflect.get(cause, 'retryable') === true && Reflect.get(cause, 'overloaded') !== true;
}
