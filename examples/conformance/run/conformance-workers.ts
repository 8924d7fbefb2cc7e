import { fileURLToPath } from 'node:url';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';

/** The same Worker in two isolates with the same bindings. */
export type ConformanceWorkers = Workers<'a' | 'b'>;

/** The two deployments of the server: with managers, or in a session object. */
export const deployments = {
	managers: { main: 'index.ts', durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer' } },
	'session-object': {
		main: 'session-object.ts',
		durableObjects: { CONFORMANCE: 'ConformanceSession' },
	},
} as const;

/** The name of a deployment. */
export type Deployment = keyof typeof deployments;

/** Starts a deployment in two isolates. */
export function startConformanceWorkers(
	deployment: Deployment,
	options: Pick<WorkersOptions, 'onLog'> = {},
): Promise<ConformanceWorkers> {
	const { main, durableObjects } = deployments[deployment];
	return startWorkers({
		...options,
		durableObjects,
		entry: fileURLToPath(new URL(`../src/${main}`, import.meta.url)),
		workers: ['a', 'b'],
	});
}
