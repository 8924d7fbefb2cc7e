import { keepRequestAlive } from '@tmcp-sessions/core/backend';

/**
 * Keeps the request alive for a promise that its caller does not await.
 *
 * @param report reports a failure outside of a request.
 */
export function keepAlive(promise: Promise<unknown>, report: (error: unknown) => void): void {
	keepRequestAlive(promise, (orphan) => {
		orphan.catch(report);
	});
}
