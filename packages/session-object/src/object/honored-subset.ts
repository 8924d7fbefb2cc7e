import { isObject } from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';
import type { SubscriptionManager } from '@tmcp/session-manager';
import type { SubscriptionFilter } from 'tmcp';

import type { SessionServer } from './session.ts';

/** The response of the session's server to a subscription whose stream a Worker holds open. */
export interface HonoredSubset {
	/** The requested notifications that the server will send. */
	readonly notifications: SubscriptionFilter;
	/** The server's `serverInfo` as JSON, for the response that ends the subscription. */
	readonly serverInfo: string | undefined;
}

const PROTOCOL_VERSION = '2026-07-28';
/** The metadata key under which a stateless result names its server. */
export const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';

/** Determines which notifications a server honors. */
export async function readHonoredSubset(
	server: SessionServer,
	notifications: object,
): Promise<HonoredSubset> {
	const { honored, response } = await probeSubscription(server, notifications);
	const { result } = response;
	const metadata = isObject(result) ? result['_meta'] : undefined;
	const info = isObject(metadata) ? metadata[SERVER_INFO] : undefined;
	return {
		notifications: honored,
		serverInfo: info === undefined ? undefined : JSON.stringify(info),
	};
}

/** Opens a subscription, and closes it at once, so that the server responds with its `serverInfo`. */
export async function probeSubscription(
	server: SessionServer,
	notifications: object,
): Promise<{ readonly honored: SubscriptionFilter; readonly response: JsonObject }> {
	let honored: SubscriptionFilter = {};
	const probe: Pick<SubscriptionManager, 'create'> = {
		async create({ filters }, { close }) {
			honored = filters;
			await close('closed');
			return true;
		},
	};
	const response: unknown = await server.receive(
		{
			jsonrpc: '2.0',
			id: 1,
			method: 'subscriptions/listen',
			params: {
				notifications,
				_meta: {
					'io.modelcontextprotocol/protocolVersion': PROTOCOL_VERSION,
					'io.modelcontextprotocol/clientCapabilities': {},
				},
			},
		},
		// Safe because the server calls only `create` for this request.
		{ subscriptionManager: probe as SubscriptionManager, subscriptionOrigin: 'session-object' },
	);
	return { honored, response: isObject(response) ? response : {} };
}
