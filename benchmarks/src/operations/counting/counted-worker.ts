import { databaseBytes, env, quiet, takeCounts, tracked } from './counted-bindings.ts';

interface FetchHandler {
	fetch(request: Request, env: unknown, context: ExecutionContext): Response | Promise<Response>;
}

const QUIET_MS = 50;

// What goes to Redis is counted there; here it keeps its request alive.
const uncountedFetch = globalThis.fetch;
globalThis.fetch = (...args) => tracked(false, () => uncountedFetch(...args));

/**
 * The same Worker, which says at `/operations` what it has counted since it was last asked, and at
 * `/database-bytes` how large the databases of its objects are.
 * Every request is kept alive until its calls are over, so that all contenders are counted in full:
 * by itself workerd cuts off what a bare transport leaves behind its answer.
 */
export function countedWorker(worker: FetchHandler): FetchHandler {
	return {
		async fetch(request, _env, context) {
			if (new URL(request.url).pathname === '/operations') {
				await quiet(QUIET_MS);
				return Response.json(takeCounts());
			}
			if (new URL(request.url).pathname === '/database-bytes') {
				return Response.json(databaseBytes());
			}
			const response = await worker.fetch(request, env, context);
			context.waitUntil(quiet(QUIET_MS));
			return response;
		},
	};
}
