import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { McpRequest } from './mcp-requests.ts';

/** One request and its expected response. */
export interface LoadStep {
	readonly request: McpRequest;
	/** Part of the body of every response. */
	readonly expected: string;
	/** Whether it belongs to the session that an earlier step of the same connection opened. */
	readonly inSession?: boolean;
}

/** The requests to send, over connections of their own. */
export interface LoadJob {
	readonly url: string;
	/** The steps of each connection, repeated in order. Every connection has the same number of steps. */
	readonly steps: readonly (readonly LoadStep[])[];
	/** How many times all steps are sent, by all connections together. */
	readonly rounds: number;
}

/** The child process's report on a job. */
export type LoadReport = { readonly roundsPerSecond: number } | { readonly failure: string };

/** Sends load from a separate process, so that it does not wait for the one that measures. */
export class Load {
	readonly #child: ChildProcess;
	readonly #exited: Promise<unknown>;

	constructor() {
		this.#child = fork(join(import.meta.dirname, 'load-process.ts'));
		this.#exited = once(this.#child, 'exit');
	}

	/** Sends the requests and returns how many times a second all steps were done. Rejects if a response is wrong. */
	async roundsPerSecond(job: LoadJob): Promise<number> {
		this.#child.send(job);
		const reported = once(this.#child, 'message');
		// Safe because the child reports each job once, and `exit` passes a status.
		const [report] = (await Promise.race([reported, this.#exited])) as [LoadReport | number | null];
		if (typeof report !== 'object' || report === null) {
			throw new Error(`the load client must report; it exited with status ${String(report)}`);
		}
		if ('failure' in report) throw new Error(`${job.url}: ${report.failure}`);
		return report.roundsPerSecond;
	}

	/** Ends the process. */
	async stop(): Promise<void> {
		this.#child.disconnect();
		await this.#exited;
	}
}
