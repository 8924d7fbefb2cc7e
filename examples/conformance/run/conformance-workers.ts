import { fileURLToPath } from 'node:url';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';

/** The same Worker twice, each in an isolate of its own, over the same bindings. */
export type ConformanceWorkers = Workers<'a' | 'b'>;

/** Starts the server of the fixtures in two isolates, with the bindings of wrangler.jsonc. */
export function startConformanceWorkers(
	options: Pick<WorkersOptions, 'onLog'> = {},
): Promise<ConformanceWorkers> {
	return startWorkers({
		...options,
		entry: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
		workers: ['a', 'b'],
	});
}
