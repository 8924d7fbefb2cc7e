import { isObject } from '@tmcp-sessions/http/internal';
import { failTask, retryDelayMs } from '@tmcp-sessions/tasks/backend';

import { configurationError, handlers } from './handlers.ts';
import { TaskDelivery } from './task-delivery.ts';
import { messageIn } from './task-messages.ts';
import type { TaskMessage } from './task-messages.ts';

/** How a message was received. */
export interface Reception {
	readonly env: unknown;
	readonly platform: ExecutionContext;
	/** The name of the queue. */
	readonly queue: string;
	/** Whether the queue has the messages that have failed. */
	readonly isDead: boolean;
	readonly report: (error: unknown) => void;
}

/**
 * Handles one message. Acknowledges it when its call has ended or was handed over, and has it delivered
 * again otherwise. Never rejects.
 */
export async function receiveMessage(message: Message, reception: Reception): Promise<void> {
	const { isDead, queue, report } = reception;
	const found = messageIn(message.body);
	if (!found) {
		report(foreignMessage(message.body, queue));
		message.ack();
		return;
	}
	try {
		if (isDead) await failDeadTask(found);
		else await deliver(found, message.attempts, reception);
		message.ack();
	} catch (error) {
		report(error);
		message.retry({ delaySeconds: Math.ceil(retryDelayMs(message.attempts) / 1000) });
	}
}

async function deliver(
	{ handler: name, notBeforeMs, start, task }: TaskMessage,
	deliveries: number,
	{ env, platform }: Reception,
): Promise<void> {
	const handler = handlers.of(name);
	// The sleep of the call is longer than the delay of a message can be.
	if (notBeforeMs - Date.now() > 1_000) await handler.messages.send({ task, start, notBeforeMs });
	else await new TaskDelivery({ handler, env, platform }, task, start + deliveries - 1).run();
}

/** Only this marks a task as failed whose message was delivered in vain. */
async function failDeadTask({ handler, task }: TaskMessage): Promise<void> {
	const { store } = handlers.of(handler);
	const message =
		'The queue has delivered the call of this task in vain as often as it may. Call the tool again';
	await failTask(store, task, message);
}

function foreignMessage(body: unknown, queue: string): Error {
	const found = isObject(body)
		? `an object with ${Object.keys(body).slice(0, 10).join(', ').slice(0, 200) || 'no fields'}`
		: typeof body;
	return configurationError(
		`a message of the queue ${JSON.stringify(queue)} must be one that QueueTasks has sent; got ${found}. ` +
			'It was acknowledged and dropped: give tasks a queue of their own',
	);
}
