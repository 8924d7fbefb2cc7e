import { resolveBinding, storeOperation } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';
import { TASK_QUEUE_KIND } from '@tmcp-sessions/core/internal';
import { isObject } from '@tmcp-sessions/http/internal';
import type { TaskRecord, TaskRunner } from '@tmcp-sessions/tasks/backend';
import { env } from 'cloudflare:workers';

import { PACKAGE } from './package-name.ts';

/** The longest delay of a message (Cloudflare Queues, limits). */
const MAX_DELAY_SECONDS = 43_200;

/** Has a call start. The call itself is in the store of the task. */
export interface TaskMessage {
	/** The name of the handler that runs the call. */
	readonly handler: string;
	/** The name of the task. */
	readonly task: string;
	/** The number of the start. A message that is delivered again has the following one. */
	readonly start: number;
	/** When the call may start, in milliseconds since the epoch. */
	readonly notBeforeMs: number;
}

/** Returns the message in a body; `undefined` if the body is another one. */
export function messageIn(body: unknown): TaskMessage | undefined {
	const { handler, notBeforeMs, start, task } = (
		isObject(body) ? body : {}
	) as Partial<TaskMessage>;
	if (typeof handler !== 'string' || typeof task !== 'string') return undefined;
	if (!isCount(start) || start < 1 || !isCount(notBeforeMs)) return undefined;
	return { handler, task, start, notBeforeMs };
}

function isCount(value: unknown): value is number {
	return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Returns the binding, without resolving it. */
export function queueBinding(binding: string | undefined): BindingRequirement {
	return { kind: TASK_QUEUE_KIND, binding: binding ?? TASK_QUEUE_KIND.defaultName, env };
}

/** Sends the messages that have calls start. */
export class TaskMessages implements TaskRunner {
	readonly #handler: string;
	readonly #binding: string;

	/** @param binding default: `TMCP_TASK_QUEUE`. */
	constructor(handler: string, binding: string = TASK_QUEUE_KIND.defaultName) {
		this.#handler = handler;
		this.#binding = binding;
	}

	/** @throws {BindingError} if the binding is missing. */
	async start({ attempts, name }: Pick<TaskRecord, 'attempts' | 'name'>): Promise<void> {
		await this.send({ task: name, start: attempts + 1, notBeforeMs: Date.now() });
	}

	/** A call in memory observes its task. */
	async wake(record: TaskRecord): Promise<undefined> {
		if (record.isParked) await this.start(record);
		return undefined;
	}

	/** Sends a message. It arrives sooner if its delay is longer than a queue can have. */
	async send(message: Omit<TaskMessage, 'handler'>): Promise<void> {
		const queue = resolveBinding<Queue<TaskMessage>>(TASK_QUEUE_KIND, this.#binding, env);
		const delayMs = Math.max(0, message.notBeforeMs - Date.now());
		const delaySeconds = Math.min(Math.ceil(delayMs / 1000), MAX_DELAY_SECONDS);
		await storeOperation(PACKAGE, 'sending a message to the queue of tasks', () =>
			queue.send({ ...message, handler: this.#handler }, { contentType: 'json', delaySeconds }),
		);
	}
}
