import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkerdVersion } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';

/** Two Workers over the same objects, whose sessions do what a `WorkingClient` asks. */
export function startWorking(
	version: WorkerdVersion,
	onLog?: (line: string) => void,
): Promise<Workers<'a' | 'b'>> {
	return startWorkers({
		entry: join(import.meta.dirname, '../fixture/isolate.ts'),
		workers: ['a', 'b'],
		version,
		kvNamespaces: [],
		durableObjects: { WORKING: 'WorkingSession' },
		...(onLog && { onLog }),
	});
}
