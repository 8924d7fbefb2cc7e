const ATTEMPTS = 3;
const PAUSE_MS = 50;

/**
 * Runs a call of an object again where the platform says that it may work then. Only for what may
 * happen twice: a call whose answer was lost has been carried out.
 *
 * @param call makes its stub anew each time: one that has failed stays broken.
 * @param sleep waits so many milliseconds.
 * @throws what `call` throws: a failure that is not retryable at once, and the third in any case.
 * @see https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
export async function retryWhereItMayHelp<Result>(
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

/** An object that is overloaded would only be more so. */
function isRetryable(cause: unknown): boolean {
	if (!(cause instanceof Error)) return false;
	return Reflect.get(cause, 'retryable') === true && Reflect.get(cause, 'overloaded') !== true;
}
