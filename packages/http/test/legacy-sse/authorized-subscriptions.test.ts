import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { expect, it } from 'vitest';

import { createServer, KEY, LocalSession } from './local-session.ts';

it('subscription to any uri: the error of a refused one is sent on the stream', async () => {
	const asked: unknown[] = [];
	const handler = createSseHandler(createServer(), {
		sessionKeys: [KEY],
		authorizeSubscription: (principal, uri, { auth, isStateless }) => {
			asked.push({ principal, uri, auth, isStateless });
			return uri === 'test://allowed';
		},
	});
	const session = await LocalSession.open(handler);
	await session.initialize();
	for (const [id, uri] of [
		[1, 'test://refused'],
		[2, 'test://allowed'],
	]) {
		const response = await session.send({ id, method: 'resources/subscribe', params: { uri } });
		expect(response.status).toBe(202);
		await session.waitFor(`"id":${id}`);
	}
	expect(session.count('this client may not subscribe to the uri')).toBe(1);
	expect(session.text).toContain('"id":2,"result":{}');
	const caller = { principal: null, auth: null, isStateless: false };
	expect(asked).toEqual([
		{ ...caller, uri: 'test://refused' },
		{ ...caller, uri: 'test://allowed' },
	]);
	await session.disconnect();
});
