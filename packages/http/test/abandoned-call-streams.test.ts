import { MAX_CALLS_PER_SESSION } from '@tmcp-sessions/core/internal';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { open, setUp, URL_OF_MCP } from './local-handler.ts';

describe('a resumed stream of a call that no isolate runs', () => {
	beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
	afterEach(() => void vi.useRealTimers());

	it('frees its place in the session when it times out, and ends no other stream', async () => {
		const { mcp, errors } = setUp();
		const session = await open(mcp);
		const get = (lastEventId?: string): Promise<Response> => {
			const headers = {
				'mcp-session-id': session,
				...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
			};
			return mcp.fetch(new Request(URL_OF_MCP, { headers }));
		};
		const resume = (): Promise<Response> => get(`call/${crypto.randomUUID()}:0`);
		const getStream = (await get()).body?.getReader();
		let hasEnded = false;
		getStream?.closed.then(
			() => (hasEnded = true),
			() => (hasEnded = true),
		);
		const streams: Response[] = [];
		while (streams.length < MAX_CALLS_PER_SESSION) streams.push(await resume());
		expect((await resume()).status).toBe(503);
		const ended = Promise.all(streams.map((stream) => stream.text()));
		await vi.advanceTimersByTimeAsync(6_000);
		await ended;
		const again = await resume();
		expect(again.status).toBe(200);
		await again.body?.cancel();
		expect(hasEnded).toBe(false);
		expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('at most 256')]);
		await getStream?.cancel();
	});
});
