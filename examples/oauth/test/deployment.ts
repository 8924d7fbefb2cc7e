import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { FrontDoor } from './front-door.ts';
import type { Isolate } from './front-door.ts';

/** The accounts of the deployment. */
export const passwords = { alice: 'wonderland', bob: 'builder' } as const;

/** The example on workerd, in two isolates behind one address. */
export interface Deployment {
	readonly door: FrontDoor;
	readonly workers: Workers<Isolate>;
	/** The lines that the Workers logged. */
	readonly log: readonly string[];
	stop(): Promise<void>;
}

/** Starts the example. */
export async function deploy(): Promise<Deployment> {
	const door = new FrontDoor();
	await door.open();
	const log: string[] = [];
	const workers = await startWorkers({
		entry: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
		workers: ['a', 'b'],
		kvNamespaces: ['TMCP_SESSION_INFO', 'OAUTH_KV'],
		vars: {
			PUBLIC_ORIGIN: door.origin,
			DEMO_ACCOUNTS: `alice:${passwords.alice} bob:${passwords.bob}`,
		},
		onLog: (line) => log.push(line),
	});
	for (const isolate of ['a', 'b'] as const) door.isolates.set(isolate, workers.url(isolate));
	return {
		door,
		workers,
		log,
		async stop() {
			await door.close();
			await workers.stop();
		},
	};
}
