import { join } from 'node:path';
import type { StoreCapabilities } from '@tmcp-sessions/core/backend';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { InfoManagerName } from '../contenders/info-managers.ts';

/** What each store declares, as JSON gives it: what never becomes visible elsewhere has no number. */
export type DeclaredCapabilities = Record<
	InfoManagerName,
	Omit<StoreCapabilities, 'visibleWithinSeconds'> & { readonly visibleWithinSeconds: number | null }
>;

/** Asks the stores for their `capabilities`, in workerd: some import `cloudflare:workers`. */
export async function readCapabilities(): Promise<DeclaredCapabilities> {
	const workers = await startWorkers({
		entry: join(import.meta.dirname, '../contenders/capabilities.ts'),
		workers: ['capabilities'],
		kvNamespaces: [],
		durableObjects: {},
		// Nobody is asked there.
		vars: { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1', UPSTASH_REDIS_REST_TOKEN: 'none' },
	});
	try {
		const response = await fetch(workers.url('capabilities'));
		return await response.json<DeclaredCapabilities>();
	} finally {
		await workers.stop();
	}
}
