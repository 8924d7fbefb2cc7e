import type { StoreCapabilities } from '@tmcp-sessions/core/backend';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { InfoManagerName } from '../contenders.ts';
import { sourcesPlugin } from '../runtime.ts';

/** The capabilities of each store as JSON, in which `Infinity` is null. */
export type DeclaredCapabilities = Record<
	InfoManagerName,
	Omit<StoreCapabilities, 'visibleWithinSeconds'> & { readonly visibleWithinSeconds: number | null }
>;

/** Reads the `capabilities` of the stores, in workerd because some import `cloudflare:workers`. */
export async function readCapabilities(): Promise<DeclaredCapabilities> {
	const workers = await startWorkers({
		entry: `source:
			import { infoManagers } from './info-managers.ts';
			const read = ([name, create]) => [name, create().store.capabilities];
			const readAll = () => Object.fromEntries(Object.entries(infoManagers).map(read));
			export default { fetch: () => Response.json(readAll()) };`,
		workers: ['capabilities'],
		durableObjects: {},
		// No request is sent there.
		vars: { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1', UPSTASH_REDIS_REST_TOKEN: 'none' },
		plugins: [sourcesPlugin],
	});
	try {
		const response = await fetch(workers.url('capabilities'));
		return await response.json<DeclaredCapabilities>();
	} finally {
		await workers.stop();
	}
}
