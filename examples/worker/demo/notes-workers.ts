import { fileURLToPath } from 'node:url';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';

/** The two Workers of the demo: the same code, each in an isolate of its own. */
export type WorkerName = 'a' | 'b';
/** Workers A and B over the same bindings. */
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

/** Where this Worker serves MCP. */
export function endpoint(workers: NotesWorkers, name: WorkerName): URL {
	return new URL('/mcp', workers.url(name));
}

/** Puts the object that holds the streams out of memory, as idleness does on Cloudflare. Returns how many went. */
export function evictSyncLayer(workers: NotesWorkers): Promise<number> {
	return workers.evict({ className: 'SyncLayer', webSockets: 'hibernate' });
}
