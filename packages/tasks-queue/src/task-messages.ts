import { resolveBinding, storeOperation } from '@tmcp-sessions/core/backend';
import type { BindingKind, BindingRequirement } from '@tmcp-sessions/core/backend';
import { isObject } from '@tmcp-sessions/http/internal';
import type { TaskRecord, TaskRunner } from '@tmcp-sessions/tasks/backend';
import { env } from 'cloudflare:workers';

import { PACKAGE } from './package-name.ts';

/** The longest delay of a message. */
const MAX_DELAY_SECONDS = 43_200;

/** A message that has a call start. The call itself is in the store of the task. */
export interface TaskMessage {
	/** The name of the handler that runs the call. */
	readonly handler: string;
	/** The name of the task. */
	readonly task: string;
	/** The number of the start. */
	readonly start: number;
}

/** Returns the message in a body; `undefined` if the body is another one. */
export function messageIn(body: unknown): TaskMessage | undefined {
	const { handler, start, task } = (isObject(body) ? body : {}) as Partial<TaskMessage>;
	const isMessage =
		typeof handler === 'string' && typeof task === 'string' && Number.isInteger(start);
	return isMessage && start !== undefined ? { handler, task, start } : undefined;
}

const KIND: BindingKind = {
	packageName: PACKAGE,
	what: 'a queue',
	methods: ['send', 'sendBatch'],
	defaultName: 'TMCP_TASK_QUEUE',
	wranglerLines: (name) =>
		`  "queues": {\n    "producers": [{ "binding": "${name}", "queue": "tmcp-tasks" }],\n    "consumers": [\n` +
		'      { "queue": "tmcp-tasks", "max_batch_size": 1, "max_batch_timeout": 0, "dead_letter_queue": "tmcp-tasks-dead" },\n' +
		'      { "queue": "tmcp-tasks-dead" }\n    ]\n  }',
};

/** Returns the binding, without resolving it. */
export function queueBinding(binding: string | undefined): BindingRequirement {
	return { kind: KIND, binding: binding ?? KIND.defaultName, env };
}

/** Sends the messages that have calls start. */
export class TaskMessages implements TaskRunner {
	readonly #handler: string;
	readonly #binding: string;

	/** @param binding default: `TMCP_TASK_QUEUE`. */
	constructor(handler: string, binding: string = KIND.defaultName) {
		this.#handler = handler;
		this.#binding = binding;
	}

	/** @throws {BindingError} if the binding is missing. */
	async start({ attempts, name }: Pick<TaskRecord, 'attempts' | 'name'>): Promise<void> {
		await this.send(name, attempts + 1, 0);
	}

	async wake(record: TaskRecord): Promise<undefined> {
		if (record.isParked) await this.start(record);
		return undefined;
	}

	/** Has a call start after a delay, or sooner if the delay is longer than a queue can have. */
	async send(task: string, start: number, delayMs: number): Promise<void> {
		const queue = resolveBinding<Queue<TaskMessage>>(KIND, this.#binding, env);
		const delaySeconds = Math.min(Math.ceil(Math.max(0, delayMs) / 1000), MAX_DELAY_SECONDS);
		const message = { handler: this.#handler, task, start };
		await storeOperation(PACKAGE, 'sending a message to the queue of tasks', () =>
			queue.send(message, { contentType: 'json', delaySeconds }),
		);
	}
}
