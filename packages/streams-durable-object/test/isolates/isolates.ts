import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion, Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { expect } from 'vitest';

type Name = 'a' | 'b';

/** Two isolates over one object, and requests that are at work in them. */
export class Isolates {
	/** What the Workers logged: nothing, where all is well. */
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

	/** Delivers in one isolate; how many inboxes took it. */
	deliver(name: Name, session: string, body: string): Promise<number> {
		return this.#ask(name, `/deliver?session=${session}`, { method: 'POST', body });
	}

	/** Starts requests; each answers with what it got, once "end" was delivered. */
	async startWork(session: string, ...names: Name[]): Promise<Promise<string[]>[]> {
		const requests = names.map((name) => this.#ask<string[]>(name, `/work?session=${session}`));
		await this.untilAtWork(session, requests.length);
		return requests;
	}

	/** Resolves once the object holds as many inboxes of the session. */
	async untilAtWork(session: string, requests: number): Promise<void> {
		const atWork = (): Promise<number> => this.#ask('b', `/inboxes?session=${session}`);
		await expect.poll(atWork, { timeout: 5_000 }).toBe(requests);
	}

	/** Resets the object; resolves with what its caller is told. */
	reset(): Promise<string> {
		return this.#ask('b', '/reset');
	}

	async #ask<Json>(name: Name, path: string, init?: RequestInit): Promise<Json> {
		const response = await fetch(new URL(path, this.#workers.url(name)), init);
		expect(response.status).toBe(200);
		return (await response.json()) as Json; // Sound: the fixture's own answers.
	}
}
