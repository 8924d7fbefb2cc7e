import type { McpSubscription } from '@modelcontextprotocol/client';
import { startNotesWorkers } from './notes-workers.ts';
import type { NotesWorkers } from './notes-workers.ts';
import { SessionClient } from './session-client.ts';
import { StatelessClient } from './stateless-client.ts';

/** Who takes part in the story. */
export interface Scene {
	readonly workers: NotesWorkers;
	/** A client of the session era. */
	readonly session: SessionClient;
	/** Another one, whose session outlives that of the first. */
	readonly witness: SessionClient;
	/** A client of 2026-07-28. */
	readonly stateless: StatelessClient;
	/** What `stateless` listens to, once it does. */
	listening?: McpSubscription;
}

/** Starts the Workers and makes clients that are not connected yet. */
export async function setScene(options: Parameters<typeof startNotesWorkers>[0]): Promise<Scene> {
	const workers = await startNotesWorkers(options);
	return {
		workers,
		session: new SessionClient(workers),
		witness: new SessionClient(workers),
		stateless: new StatelessClient(workers),
	};
}

/** Closes the clients and ends the Workers; leaves no process and no open connection. */
export async function clearScene({ workers, session, witness, stateless }: Scene): Promise<void> {
	await Promise.allSettled([session, witness, stateless].map(({ client }) => client.close()));
	await workers.stop();
}
