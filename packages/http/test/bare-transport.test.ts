import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Endpoint } from './endpoint.ts';

const entry = fileURLToPath(new URL('fixture/bare-transport.js', import.meta.url));
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';

// The managers without the handler, in the set-up that users of the other package have today.
describe.each(workerdVersions)(
	'a bare HttpTransport on workerd %s',
	{ timeout: 30_000 },
	(version) => {
		let workers: Workers<'a' | 'b'>;
		let a: Endpoint;
		let b: Endpoint;

		beforeAll(async () => {
			workers = await startWorkers({ entry, workers: ['a', 'b'], version });
			a = new Endpoint(workers.url('a'));
			b = new Endpoint(workers.url('b'));
		}, 30_000);
		afterAll(() => workers.stop());

		it('a session opened on A is known on B, with its client and its log level', async () => {
			const session = await a.initialize();
			const level = { id: 2, method: 'logging/setLevel', params: { level: 'warning' } };
			await (
				await a.post(level, session)
			).ended;
			await expect
				.poll(() => b.call('session', session))
				.toContain(String.raw`\"logLevel\":\"warning\"`);
			expect(await b.call('session', session)).toContain(String.raw`\"name\":\"raw\"`);
		});

		it('changes raised on B by a tool that returns at once arrive on A, each once, across evictions', async () => {
			const session = await a.initialize();
			const subscribe = { id: 2, method: 'resources/subscribe', params: { uri: 'test://a' } };
			await (
				await a.post(subscribe, session)
			).ended;
			const stream = await a.openStream(session);
			await stream.until(': connected');
			for (let times = 1; times <= 20; times++) {
				if (times % 5 === 0) await workers.evict();
				await b.call('notify', session);
			}
			await Promise.all([stream.until(TOOLS_CHANGED, 20), stream.until(UPDATED, 20)]);
			expect([stream.count(TOOLS_CHANGED), stream.count(UPDATED)]).toEqual([20, 20]);
			stream.destroy();
		});

		it('M8 notifications-across-isolates: a listener of the stateless era on A is told of a change made on B', async () => {
			const params = { notifications: { toolsListChanged: true } };
			const listen = { id: 'listener', method: 'subscriptions/listen', params };
			const listener = await a.postStateless(listen);
			await listener.until('subscriptions/acknowledged');
			await b.call('notify', await b.initialize());
			await listener.until(TOOLS_CHANGED);
			expect(listener.count(TOOLS_CHANGED)).toBe(1);
			listener.destroy();
		});

		it('L15 stream-takeover: after a stream was destroyed without a goodbye the next GET is a 200 at once', async () => {
			const session = await a.initialize();
			const lost = await a.openStream(session);
			await lost.until(': connected');
			lost.destroy();
			const next = await a.openStream(session);
			expect(next.status).toBe(200);
			await next.until(': connected');
			await b.call('notify', session);
			await next.until(TOOLS_CHANGED);
			next.destroy();
		});
	},
);
