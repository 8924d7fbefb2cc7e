/**
 * Returns the result of `promise`, or rejects after `ms`. The promise itself is not cancelled.
 *
 * @param createError creates the error of the timeout.
 */
export async function withTimeout<Result>(
	ms: number,
	promise: Promise<Result>,
	createError: () => Error,
): Promise<Result> {
	const timeout = Promise.withResolvers<never>();
	const timer = setTimeout(() => timeout.reject(createError()), ms);
	try {
		return await Promise.race([promise, timeout.promise]);
	} finally {
		clearTimeout(timer);
	}
}
