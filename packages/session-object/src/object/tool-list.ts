import { hashText } from '@tmcp-sessions/core/backend';
import { isObject } from '@tmcp-sessions/http/internal';

import type { Entries } from '../storage/entries.ts';
import type { SessionServer } from './session.ts';

const KEY = 'tools';
const MAX_PAGES = 100;

/**
 * Sends `notifications/tools/list_changed` once after a deployment that changed the tools: compares a
 * hash of the list with the stored one when a new instance is first used.
 */
export async function announceToolChange(server: SessionServer, entries: Entries): Promise<void> {
	if (!entries.hasData || !server.hasMethod('tools/list')) return;
	const hash = await hashText(JSON.stringify(await listTools(server)));
	const stored = entries.read('meta', KEY);
	// The object may have been deleted meanwhile.
	if (stored === hash || !entries.hasData) return;
	// Writes in the same turn as the notification, so that both are stored or neither is.
	entries.write('meta', KEY, hash);
	if (stored !== undefined) server.changed('tools');
}

/** Returns whether a hash of the tools is stored. */
export function hasStoredTools(entries: Entries): boolean {
	return entries.read('meta', KEY) !== undefined;
}

async function listTools(server: SessionServer): Promise<unknown[]> {
	const tools: unknown[] = [];
	let cursor: unknown;
	for (let page = 0; page < MAX_PAGES; page++) {
		const response: unknown = await server.receive({
			jsonrpc: '2.0',
			id: page,
			method: 'tools/list',
			...(typeof cursor === 'string' && { params: { cursor } }),
		});
		const result = isObject(response) ? response['result'] : undefined;
		if (!isObject(result)) break;
		tools.push(result['tools']);
		cursor = result['nextCursor'];
		if (typeof cursor !== 'string') break;
	}
	return tools;
}
