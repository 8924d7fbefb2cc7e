import { MAX_CALLS_PER_SESSION } from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

import { open, setUp, URL_OF_MCP } from './local-handler.ts';

describe('a resumed stream of a call that no isolate runs', () => {
	it('ends with an error, frees its place in the session, and ends no other stream', async () => {
		const { mcp, errors } = setUp();
		const session = await open(mcp);
		const get = (lastEventId?: string): Promise<Response> => {
			const headers = {
				'mcp-session-id': session,
				...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
			};
			return mcp.fetch(new Request(URL_OF_MCP, { headers }));
		};
		const getStream = (await get()).body?.getReader();
		let hasEnded = false;
		getStream?.closed.then(
			() => (hasEnded = true),
			() => (hasEnded = true),
		);
		for (let resumed = 0; resumed <= MAX_CALLS_PER_SESSION; resumed++) {
			const stream = await get(`call/${crypto.randomUUID()}/n${resumed}:0`);
			expect(stream.status).toBe(200);
			expect(await stream.text()).toContain(`"id":${resumed},"error":`);
		}
		expect(hasEnded).toBe(false);
		expect(errors).toEqual([]);
		await getStream?.cancel();
	});

	it('ends with a 204 if its event id, which was not made here, names no request', async () => {
		const { mcp } = setUp();
		const headers = {
			'mcp-session-id': await open(mcp),
			'last-event-id': `call/${crypto.randomUUID()}:0`,
		};
		const resumed = await mcp.fetch(new Request(URL_OF_MCP, { headers }));
		expect([resumed.status, await resumed.text()]).toEqual([204, '']);
	});
});
