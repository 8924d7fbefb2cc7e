import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion, Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { expect } from 'vitest';

type Name = 'a' | 'b';

/** Two isolates with one object, and requests with inboxes in them. */
export class Isolates {
	/** The log lines of the Workers. Empty unless something failed. */
	readonly logged: string[];
	readonly #workers: Workers<Name>;

	private constructor(workers: Workers<Name>, logged: string[]) {
		this.#workers = workers;
		this.logged = logged;
	}

	static async start(version: WorkerdVersion): Promise<Isolates> {
		const logged: string[] = [];
		const workers = await startWorkers({
			entry: join(import.meta.dirname, '../fixture/isolate.ts'),
			workers: ['a', 'b'],
			version,
			kvNamespaces: [],
			onLog: (line) => void logged.push(line),
		});
		return new Isolates(workers, logged);
	}

	stop(): Promise<void> {
		return this.#workers.stop();
	}

	/** Delivers a message from an isolate. @returns the number of inboxes that it was sent to. */
	deliver(name: Name, session: string, body: string): Promise<number> {
		return this.#request(name, `/deliver?session=${session}`, { method: 'POST', body });
	}

	/** Starts requests, which respond with the messages of their inboxes after "end" is delivered. */
	async startRequests(session: string, ...names: Name[]): Promise<Promise<string[]>[]> {
		const requests = names.map((name) =>
			this.#request<string[]>(name, `/inbox?session=${session}`),
		);
		await this.untilInboxes(session, requests.length);
		return requests;
	}

	/** Waits until the session has a number of inboxes. */
	async untilInboxes(session: string, count: number): Promise<void> {
		const inboxes = (): Promise<number> => this.#request('b', `/inboxes?session=${session}`);
		await expect.poll(inboxes, { timeout: 5_000 }).toBe(count);
	}

	/** Resets the object. @returns the error of the RPC. */
	reset(): Promise<string> {
		return this.#request('b', '/reset');
	}

	async #request<Json>(name: Name, path: string, init?: RequestInit): Promise<Json> {
		const response = await fetch(new URL(path, this.#workers.url(name)), init);
		expect(response.status).toBe(200);
		return (await response.json()) as Json; // Safe because the fixture returns this.
	}
}
