import { RawStreams } from '../fan-out/raw-streams.ts';
import { McpClient } from '../mcp-client.ts';
import { changingUri, endSession, sessionMessage, statelessToolCall } from '../mcp-requests.ts';
import { endpoint } from '../start-contenders.ts';
import { stepsOf } from '../throughput/jobs.ts';
import type { Load } from '../throughput/load.ts';
import type { Growing, GrowingWorkers } from './growing-stores.ts';

const TOLD_WITHIN_MS = 60_000;

/** Calls a second at 32 connections, each of which makes so many. */
export async function callSpeed(
	running: GrowingWorkers,
	load: Load,
	name: Growing | 'bare-worker',
	calls: number,
): Promise<number> {
	const url = endpoint(running, name);
	const steps = await stepsOf('call-32', name === 'bare-worker' ? name : 'ours-http', url);
	return load.roundsPerSecond({ url, steps, rounds: steps.length * calls });
}

/** A subscriber of the resource with a stream. */
export class Listener {
	readonly #url: string;
	readonly #session: string;
	readonly #streams: RawStreams;

	private constructor(url: string, session: string, streams: RawStreams) {
		this.#url = url;
		this.#session = session;
		this.#streams = streams;
	}

	/** Opens a session with a stream, which subscribes. */
	static async open(running: GrowingWorkers, name: Growing): Promise<Listener> {
		const url = endpoint(running, name);
		const client = new McpClient(url);
		const session = await client.open();
		const streams = await RawStreams.open(url, [session]);
		const params = { uri: changingUri };
		await client.send(sessionMessage(session, { id: 5, method: 'resources/subscribe', params }));
		return new Listener(url, session, streams);
	}

	/** How long it takes from a change until this subscriber is told. @throws where it never is. */
	async toldMs(): Promise<number> {
		const change = (): Promise<unknown> =>
			new McpClient(this.#url).send(statelessToolCall('update_resource'), 'updated');
		const { ms, missing } = await this.#streams.delivery(1, change, TOLD_WITHIN_MS);
		if (missing !== 0) throw new Error(`${this.#url}: a subscriber was not told of a change`);
		return ms;
	}

	/** Ends the session. */
	async close(): Promise<void> {
		this.#streams.close();
		await new McpClient(this.#url).send(endSession(this.#session));
	}
}
