import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkerdVersion } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';

/** Starts two Workers with the same objects, whose sessions serve `WorkingClient`. */
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
