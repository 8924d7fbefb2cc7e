import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { McpRequest } from '../mcp-requests.ts';

/** Requests to send, each again and again on a connection of its own. */
export interface LoadJob {
	readonly url: string;
	/** One for each connection, or several that it takes turns with. */
	readonly requests: readonly McpRequest[];
	/** Default: one for each request. */
	readonly connections?: number;
	/** How many to send in all. */
	readonly amount: number;
	/** The body that every answer has to have; where none is given, each has one of its own. */
	readonly expectedBody?: string | undefined;
}

/** What the child process says of a job. */
export type LoadReport = { readonly requestsPerSecond: number } | { readonly failure: string };

/** The load client, in one process of its own. */
export class Load {
	readonly #child: ChildProcess;
	readonly #exited: Promise<unknown>;

	constructor() {
		this.#child = fork(join(import.meta.dirname, 'load-process.ts'));
		this.#exited = once(this.#child, 'exit');
	}

	/** Sends the requests and gives how many a second were answered. @throws where an answer is wrong. */
	async requestsPerSecond(job: LoadJob): Promise<number> {
		this.#child.send(job);
		const reported = once(this.#child, 'message');
		// Sound: the child reports each job once; an exit is told by its status.
		const [report] = (await Promise.race([reported, this.#exited])) as [LoadReport | number | null];
		if (typeof report !== 'object' || report === null) {
			throw new Error(`the load client ended with status ${String(report)}`);
		}
		if ('failure' in report) throw new Error(`${job.url}: ${report.failure}`);
		return report.requestsPerSecond;
	}

	/** Ends the process. */
	async stop(): Promise<void> {
		this.#child.disconnect();
		await this.#exited;
	}
}
