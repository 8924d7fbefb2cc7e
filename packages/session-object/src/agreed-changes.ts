import type { SubscriptionManager } from '@tmcp/session-manager';
import type { SubscriptionFilter } from 'tmcp';

import type { SessionServer } from './session.ts';

const VERSION = '2026-07-28';

/**
 * What a server tells a listener of what it asks for: the server decides it when it opens a
 * subscription, which is as far as this goes.
 */
export async function agreedChanges(
	server: SessionServer,
	notifications: object,
): Promise<SubscriptionFilter> {
	let agreed: SubscriptionFilter = {};
	const look: Pick<SubscriptionManager, 'create'> = {
		create({ filters }) {
			agreed = filters;
			return false;
		},
	};
	await server.receive(
		{
			jsonrpc: '2.0',
			id: 1,
			method: 'subscriptions/listen',
			params: {
				notifications,
				_meta: {
					'io.modelcontextprotocol/protocolVersion': VERSION,
					'io.modelcontextprotocol/clientCapabilities': {},
				},
			},
		},
		// Sound: nothing but `create` is called of it.
		{ subscriptionManager: look as SubscriptionManager, subscriptionOrigin: 'session-object' },
	);
	return agreed;
}
