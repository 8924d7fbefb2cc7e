/**
 * What a promise gives, unless it takes too long: then whoever waits goes on, and so does the work.
 *
 * @param late makes what is thrown then.
 */
export async function withTimeout<Result>(
	ms: number,
	work: Promise<Result>,
	late: () => Error,
): Promise<Result> {
	const { promise, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(() => reject(late()), ms);
	try {
		return await Promise.race([work, promise]);
	} finally {
		clearTimeout(timer);
	}
}
