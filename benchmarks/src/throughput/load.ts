import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { McpRequest } from '../mcp-requests.ts';

/** One request, and what its answer has to be. */
export interface LoadStep {
	readonly request: McpRequest;
	/** Part of the body of every answer. */
	readonly expected: string;
	/** Whether it is of the session that an earlier step of the same connection has opened. */
	readonly inSession?: boolean;
}

/** What to send, over connections of their own. */
export interface LoadJob {
	readonly url: string;
	/** What each connection sends, in this order and then again. All have the same number of steps. */
	readonly steps: readonly (readonly LoadStep[])[];
	/** How many times all steps are done, by all connections together. */
	readonly rounds: number;
}

/** What the child process says of a job. */
export type LoadReport = { readonly roundsPerSecond: number } | { readonly failure: string };

/** The load client, in one process of its own. */
export class Load {
	readonly #child: ChildProcess;
	readonly #exited: Promise<unknown>;

	constructor() {
		this.#child = fork(join(import.meta.dirname, 'load-process.ts'));
		this.#exited = once(this.#child, 'exit');
	}

	/**
	 * Sends the requests.
	 *
	 * @returns how many times a second all steps were done.
	 * @throws where an answer is wrong.
	 */
	async roundsPerSecond(job: LoadJob): Promise<number> {
		this.#child.send(job);
		const reported = once(this.#child, 'message');
		// Sound: the child reports each job once; an exit is told by its status.
		const [report] = (await Promise.race([reported, this.#exited])) as [LoadReport | number | null];
		if (typeof report !== 'object' || report === null) {
			throw new Error(`the load client ended with status ${String(report)}`);
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
