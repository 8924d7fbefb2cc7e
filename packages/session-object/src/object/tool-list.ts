import { isObject } from '@tmcp-sessions/http/internal';

import type { Entries } from '../storage/entries.ts';
import { toHex } from '../hex.ts';
import type { SessionServer } from './session.ts';

const KEY = 'tools';
const MAX_PAGES = 100;

/**
 * Tells the object's sessions that their tools have changed, once after a deployment that changed
 * them: a hash of the list is kept, and compared when a new instance is first used.
 */
export async function announceToolChange(server: SessionServer, entries: Entries): Promise<void> {
	if (!entries.exist || !server.hasMethod('tools/list')) return;
	const hash = await hashOf(await toolsOf(server));
	const known = entries.read('meta', KEY);
	if (known === hash) return;
	// In one turn: that it was told is stored with the message itself.
	entries.write('meta', KEY, hash);
	if (known !== undefined) server.changed('tools');
}

/** Whether the tools of a deployment are kept, to be compared with. */
export function hasKnownTools(entries: Entries): boolean {
	return entries.read('meta', KEY) !== undefined;
}

async function toolsOf(server: SessionServer): Promise<unknown[]> {
	const tools: unknown[] = [];
	let cursor: unknown;
	for (let page = 0; page < MAX_PAGES; page++) {
		const answer: unknown = await server.receive({
			jsonrpc: '2.0',
			id: page,
			method: 'tools/list',
			...(typeof cursor === 'string' && { params: { cursor } }),
		});
		const result = isObject(answer) ? answer['result'] : undefined;
		if (!isObject(result)) break;
		tools.push(result['tools']);
		cursor = result['nextCursor'];
		if (typeof cursor !== 'string') break;
	}
	return tools;
}

async function hashOf(value: unknown): Promise<string> {
	const bytes = new TextEncoder().encode(JSON.stringify(value));
	const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
	return toHex(digest.subarray(0, 16));
}
