import type { StandardSchemaV1 } from '@standard-schema/spec';
import { sleep } from '@tmcp-sessions/core/backend';
import type { ExtensionHost } from '@tmcp-sessions/http/internal';

import { taskError } from '../task-error.ts';
import type { Answer, CurrentTask } from './current-task.ts';

/**
 * Stands for a task in a call whose client waits for the response, because it does not know tasks. Stores
 * nothing: questions are server requests of the call, status messages its progress, and steps run each
 * time.
 */
export class WaitingTask implements CurrentTask {
	readonly attempt = 1;
	readonly signal: AbortSignal;
	readonly #host: Pick<ExtensionHost, 'elicit' | 'progress'>;
	#messages = 0;

	constructor(host: Pick<ExtensionHost, 'elicit' | 'progress'>, signal: AbortSignal) {
		this.#host = host;
		this.signal = signal;
	}

	begin(): void {}

	/** Sends progress, if the client has asked for it. */
	status(message: string): void {
		this.#messages += 1;
		this.#host.progress(this.#messages, message);
	}

	async step<Result>(_name: string, run: () => Promise<Result> | Result): Promise<Result> {
		this.signal.throwIfAborted();
		return run();
	}

	async ask<Schema extends StandardSchemaV1>(
		message: string,
		schema: Schema,
	): Promise<Answer<StandardSchemaV1.InferOutput<Schema>>> {
		// Safe because the server has validated the response with the schema.
		return (await this.#host.elicit(message, schema)) as Answer<
			StandardSchemaV1.InferOutput<Schema>
		>;
	}

	async sleep(ms: number): Promise<void> {
		if (!(ms >= 0)) throw taskError(`sleep needs milliseconds from 0; got ${ms}`);
		const aborted = new Promise<void>((resolve) => {
			this.signal.addEventListener('abort', () => resolve(), { once: true });
		});
		await Promise.race([sleep(ms), aborted]);
		this.signal.throwIfAborted();
	}
}
