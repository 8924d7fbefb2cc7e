import type { McpSubscription } from '@modelcontextprotocol/client';
import { startNotesWorkers } from './notes-workers.ts';
import type { NotesWorkers } from './notes-workers.ts';
import { SessionClient } from './session-client.ts';
import { StatelessClient } from './stateless-client.ts';
import type { Report } from './task-steps.ts';

/** The Workers and clients of the story. */
export interface Scene {
	readonly workers: NotesWorkers;
	/** A session-based client. */
	readonly session: SessionClient;
	/** A second session-based client, whose session outlives that of the first. */
	readonly witness: SessionClient;
	/** A stateless client (2026-07-28). */
	readonly stateless: StatelessClient;
	/** The subscription of `stateless`, once it is open. */
	subscription?: McpSubscription;
	/** The task, once it was started. */
	report?: Report;
}

/** Starts the Workers and creates clients that are not yet connected. */
export async function setScene(options: Parameters<typeof startNotesWorkers>[0]): Promise<Scene> {
	return createScene(await startNotesWorkers(options));
}

/** Creates clients of running Workers, not yet connected. */
export function createScene(workers: NotesWorkers): Scene {
	return {
		workers,
		session: new SessionClient(workers),
		witness: new SessionClient(workers),
		stateless: new StatelessClient(workers),
	};
}

/** Closes the clients and stops the Workers; leaves no process and no open connection. */
export async function clearScene(scene: Scene): Promise<void> {
	await closeClients(scene);
	await scene.report?.workers.stop();
	await scene.workers.stop();
}

/** Closes the clients. The Workers keep running. */
export async function closeClients({ session, witness, stateless }: Scene): Promise<void> {
	await Promise.allSettled([session, witness, stateless].map(({ client }) => client.close()));
}
