import { SubscriptionManager } from '@tmcp/session-manager';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import type { ObjectStreams } from './object-streams.ts';

/** The listeners of the stateless era, as the object has them: Workers hold their connections. */
export class ObjectSubscriptions extends SubscriptionManager {
	readonly #streams: ObjectStreams;

	constructor(streams: ObjectStreams) {
		super();
		this.#streams = streams;
	}

	/** False: none is opened here. */
	override create(): boolean {
		return false;
	}

	override async send(notification: JSONRPCRequest): Promise<void> {
		this.#streams.tellListeners(notification);
	}

	override close(): boolean {
		return false;
	}

	override async closeAll(): Promise<void> {}
}
