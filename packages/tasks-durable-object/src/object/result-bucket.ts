import { resolveBinding } from '@tmcp-sessions/core/backend';

import { RESULT_BUCKET_KIND } from '@tmcp-sessions/core/internal';

const MAX_DELETED = 1_000;

/** Holds the results of one task that do not fit into a row, in R2. */
export class ResultBucket {
	readonly #name: string;
	readonly #prefix: string;
	readonly #env: object;

	/**
	 * @param name of the binding.
	 * @param id of the task's object.
	 */
	constructor(name: string, id: string, env: object) {
		this.#name = name;
		this.#prefix = `tmcp-tasks/${id}/`;
		this.#env = env;
	}

	async put(key: string, value: unknown): Promise<void> {
		await this.#bucket().put(this.#prefix + key, JSON.stringify(value));
	}

	/** @throws if the value was deleted. */
	async get(key: string): Promise<unknown> {
		const found = await this.#bucket().get(this.#prefix + key);
		if (found) return found.json();
		throw new Error(`the bucket ${this.#name} no longer has a result of a task; keep its objects`);
	}

	/** Deletes everything of the task. */
	async clear(): Promise<void> {
		const bucket = this.#bucket();
		for (;;) {
			const { objects } = await bucket.list({ prefix: this.#prefix, limit: MAX_DELETED });
			if (objects.length === 0) return;
			await bucket.delete(objects.map(({ key }) => key));
		}
	}

	#bucket(): R2Bucket {
		return resolveBinding<R2Bucket>(RESULT_BUCKET_KIND, this.#name, this.#env);
	}
}
