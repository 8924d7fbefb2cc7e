import { isObject } from '@tmcp-sessions/http/internal';
import type { SubscriptionManager } from '@tmcp/session-manager';
import type { SubscriptionFilter } from 'tmcp';

import type { SessionServer } from './session.ts';

/** What a server has to do with a listener of the stateless era that a Worker holds. */
export interface HonoredSubset {
	/** What it tells the listener of what that asked for. */
	readonly changes: SubscriptionFilter;
	/** What it is called, for the end of the listener: JSON. */
	readonly serverInfo: string | undefined;
}

const VERSION = '2026-07-28';
/** Where a result of the stateless era names its server. */
export const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';

/**
 * What a server agrees to when it opens a subscription, which is ended at once here: so it says too
 * what it is called.
 */
export async function honoredSubset(
	server: SessionServer,
	notifications: object,
): Promise<HonoredSubset> {
	let changes: SubscriptionFilter = {};
	const look: Pick<SubscriptionManager, 'create'> = {
		async create({ filters }, { close }) {
			changes = filters;
			await close('closed');
			return true;
		},
	};
	const answer: unknown = await server.receive(
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
	const result = isObject(answer) ? answer['result'] : undefined;
	const metadata = isObject(result) ? result['_meta'] : undefined;
	const info = isObject(metadata) ? metadata[SERVER_INFO] : undefined;
	return { changes, serverInfo: info === undefined ? undefined : JSON.stringify(info) };
}
