import { databaseBytes, env, quiet, takeCounts, tracked } from './counted-bindings.ts';

interface FetchHandler {
	fetch(request: Request, env: unknown, context: ExecutionContext): Response | Promise<Response>;
}

const QUIET_MS = 50;

// Redis counts its own requests; tracking them here delays `quiet` until they have ended.
const uncountedFetch = globalThis.fetch;
globalThis.fetch = (...args) => tracked(false, () => uncountedFetch(...args));

/**
 * Wraps a Worker. `/operations` returns the counts since the previous request for them, and
 * `/database-bytes` the size of its objects' databases. Every request is kept alive until its
 * operations have ended, because workerd cancels what a bare transport leaves behind its response.
 */
export function countedWorker(worker: FetchHandler): FetchHandler {
	return {
		async fetch(request, _env, context) {
			const { pathname } = new URL(request.url);
			if (pathname === '/operations') {
				await quiet(QUIET_MS);
				return Response.json(takeCounts());
			}
			if (pathname === '/database-bytes') return Response.json(databaseBytes());
			const response = await worker.fetch(request, env, context);
			context.waitUntil(quiet(QUIET_MS));
			return response;
		},
	};
}
