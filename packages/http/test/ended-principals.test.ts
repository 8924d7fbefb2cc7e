import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { describe, expect, it } from 'vitest';

import { open, post, setUp } from './local-handler.ts';

describe('endSessionsOf', () => {
	it('ends the sessions that the handler opened for a principal, and those of no other subject', async () => {
		const info = new StoredInfoSessionManager(new InMemorySessionStore());
		const subjects = ['alice', '["alice",null]', 'bob'];
		let principal: { subject: string; client: string } = { subject: 'alice', client: 'phone' };
		const { mcp } = setUp({ info, principal: () => principal });
		const sessions = new Map<string, string>();
		for (const subject of subjects) {
			principal = { subject, client: 'phone' };
			sessions.set(subject, await open(mcp));
		}
		const statuses = async (): Promise<number[]> => {
			const found: number[] = [];
			for (const [subject, session] of sessions) {
				principal = { subject, client: 'phone' };
				found.push((await mcp.fetch(post({ id: 1, method: 'ping' }, session))).status);
			}
			return found;
		};
		expect(await info.endSessionsOf?.('["alice",null]')).toHaveLength(1);
		expect(await statuses()).toEqual([200, 404, 200]);
		expect(await info.endSessionsOf?.({ subject: 'bob', client: 'laptop' })).toHaveLength(1);
		expect(await statuses()).toEqual([200, 404, 404]);
		expect(await info.endSessionsOf?.('alice')).toHaveLength(1);
		expect(await statuses()).toEqual([404, 404, 404]);
	});
});
