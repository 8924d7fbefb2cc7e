import { StoreError } from '@tmcp-sessions/core';
import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';
import { Client } from '@upstash/qstash';

import type { TaskJobs } from '../engine/job-task-engine.ts';
import { PACKAGE } from '../package-name.ts';

/** How long QStash may take to accept a message. */
const PUBLISH_TIMEOUT_MS = 10_000;
/** How much longer than the call QStash waits for the response. */
const RESPONSE_GRACE_SECONDS = 15;

/** Where QStash delivers the jobs of tasks. */
export interface QStashQueueOptions {
	/** The public address of the route that receives deliveries. */
	readonly url: string;
	readonly token: string;
	readonly baseUrl: string | undefined;
	readonly retries: number;
	readonly maxRunSeconds: number;
}

/** The data of a job, which QStash delivers. */
export interface QStashJob {
	readonly name: string;
	readonly wake: number;
}

/** Has QStash deliver the jobs of tasks. */
export class QStashQueue implements TaskJobs {
	readonly #client: Client;
	readonly #options: QStashQueueOptions;

	constructor(options: QStashQueueOptions) {
		const { baseUrl, token } = options;
		this.#options = options;
		this.#client = new Client({
			token,
			devMode: false,
			enableTelemetry: false,
			...(baseUrl !== undefined && { baseUrl }),
		});
	}

	add(name: string, wake: number): Promise<void> {
		return this.#publish({ name, wake }, { deduplicationId: `${name}.${wake}` });
	}

	/** Adds a job again, at a time in milliseconds since the epoch. */
	addAt(name: string, wake: number, dueMs: number): Promise<void> {
		return this.#publish({ name, wake }, { notBefore: Math.ceil(dueMs / 1000) });
	}

	/** Does nothing: the delivery of a task that has ended does not run its call. */
	async remove(): Promise<void> {}

	async #publish(
		body: QStashJob,
		when: { readonly deduplicationId: string } | { readonly notBefore: number },
	): Promise<void> {
		const { maxRunSeconds, retries, url } = this.#options;
		const timeout = maxRunSeconds + RESPONSE_GRACE_SECONDS;
		try {
			const publishing = this.#client.publishJSON({
				url,
				body,
				retries,
				timeout,
				failureCallback: url,
				...when,
			});
			const late = (): Error => new Error(`no response within ${PUBLISH_TIMEOUT_MS / 1000} s`);
			await withTimeout(PUBLISH_TIMEOUT_MS, publishing, late);
		} catch (cause) {
			throw new StoreError(PACKAGE, 'publishing to QStash', reasonOf(cause));
		}
	}
}
