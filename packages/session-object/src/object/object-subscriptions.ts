import { SubscriptionManager } from '@tmcp/session-manager';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import type { ObjectStreams } from './object-streams.ts';

/** Sends notifications to the stateless subscriptions whose streams Workers hold open. */
export class ObjectSubscriptions extends SubscriptionManager {
	readonly #streams: ObjectStreams;

	constructor(streams: ObjectStreams) {
		super();
		this.#streams = streams;
	}

	/** Returns false: only Workers open subscriptions. */
	override create(): boolean {
		return false;
	}

	override async send(notification: JSONRPCRequest): Promise<void> {
		this.#streams.sendToSubscriptions(notification);
	}

	override close(): boolean {
		return false;
	}

	override async closeAll(): Promise<void> {}
}
