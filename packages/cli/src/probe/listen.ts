import type { Connection } from './connection/connection.ts';
import { objectOf } from './connection/event-stream.ts';
import type { Message } from './connection/event-stream.ts';
import { statelessRequest } from './connection/requests.ts';
import { openStream } from './open-stream.ts';
import type { OpenedStream } from './open-stream.ts';

/** The JSON-RPC id of the subscription of a probe. */
export const SUBSCRIPTION_ID = 30;

/** Opens a subscription to changes of all lists. */
export async function listen(connection: Connection): Promise<OpenedStream> {
	const notifications = {
		toolsListChanged: true,
		promptsListChanged: true,
		resourcesListChanged: true,
	};
	const call = { method: 'subscriptions/listen', id: SUBSCRIPTION_ID, params: { notifications } };
	return openStream(connection, { ...statelessRequest(call), isApart: true });
}

/** Whether a message acknowledges a subscription. */
export function isAcknowledgment({ method }: Message): boolean {
	return method === 'notifications/subscriptions/acknowledged';
}

/** Returns the subscription that a message belongs to. */
export function subscriptionOf(message: Message): unknown {
	const params = objectOf(message, 'params');
	return objectOf(params, '_meta')['io.modelcontextprotocol/subscriptionId'];
}
