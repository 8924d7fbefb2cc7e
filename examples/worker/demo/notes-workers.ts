import { fileURLToPath } from 'node:url';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';

/** The two Workers of the demo: the same code in two isolates. */
export type WorkerName = 'a' | 'b';
/** Workers A and B with the same bindings. */
export type NotesWorkers = Workers<WorkerName>;

/** Starts the notes server twice, with the bindings of wrangler.jsonc. */
export function startNotesWorkers(
	options: Pick<WorkersOptions, 'version' | 'onLog' | 'plugins'> = {},
): Promise<NotesWorkers> {
	return startWorkers({
		...options,
		entry: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
		workers: ['a', 'b'],
		kvNamespaces: ['TMCP_SESSION_INFO'],
		durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', NOTEBOOK: 'Notebook' },
	});
}

/** Returns the MCP endpoint of a Worker. */
export function endpoint(workers: NotesWorkers, name: WorkerName): URL {
	return new URL('/mcp', workers.url(name));
}

/**
 * Evicts the Durable Object that connects the streams, as Cloudflare does when it is idle; its
 * WebSockets hibernate. Returns the number of evicted objects.
 */
export function evictSyncLayer(workers: NotesWorkers): Promise<number> {
	return workers.evict({ className: 'SyncLayer', webSockets: 'hibernate' });
}
