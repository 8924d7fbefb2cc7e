import { isObject } from '@tmcp-sessions/http/internal';

import { probeSubscription } from './honored-subset.ts';
import type { SessionServer } from './session.ts';

/** A list whose changes a server can announce. */
export type ListKind = 'prompts' | 'resources' | 'tools';

const KINDS = ['prompts', 'resources', 'tools'] as const;

/**
 * Returns the lists whose changes a server announces. Call it outside of a session's request, whose
 * client info a server of the official SDK would replace.
 */
export async function listKindsOf(server: SessionServer): Promise<ListKind[]> {
	const requested = {
		promptsListChanged: true,
		resourcesListChanged: true,
		toolsListChanged: true,
	};
	const { honored, response } = await probeSubscription(server, requested);
	if ('result' in response) return KINDS.filter((kind) => honored[`${kind}ListChanged`] === true);
	// A server of the official SDK has no subscriptions.
	const params = {
		protocolVersion: '2025-11-25',
		capabilities: {},
		clientInfo: { name: 'session-object', version: '1' },
	};
	const initialized: unknown = await server.receive({
		jsonrpc: '2.0',
		id: 1,
		method: 'initialize',
		params,
	});
	const result = isObject(initialized) ? initialized['result'] : undefined;
	const capabilities = isObject(result) ? result['capabilities'] : undefined;
	return KINDS.filter((kind) => {
		const capability = isObject(capabilities) ? capabilities[kind] : undefined;
		return isObject(capability) && capability['listChanged'] === true;
	});
}
