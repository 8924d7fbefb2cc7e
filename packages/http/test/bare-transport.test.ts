import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Endpoint } from './endpoint.ts';

const entry = fileURLToPath(new URL('fixture/bare-transport.js', import.meta.url));
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';

// The managers without createMcpHandler, as users of @tmcp/session-manager-durable-objects have them.
describe.each(workerdVersions)(
	'a bare HttpTransport on workerd %s',
	{ timeout: 30_000 },
	(version) => {
		let workers: Workers<'a' | 'b'>;
		let isolateA: Endpoint;
		let isolateB: Endpoint;

		beforeAll(async () => {
			workers = await startWorkers({ entry, workers: ['a', 'b'], version });
			isolateA = new Endpoint(workers.url('a'));
			isolateB = new Endpoint(workers.url('b'));
		}, 30_000);
		afterAll(() => workers.stop());

		it('reads the client info and log level of a session that another isolate opened', async () => {
			const session = await isolateA.initialize();
			const level = { id: 2, method: 'logging/setLevel', params: { level: 'warning' } };
			await (
				await isolateA.post(level, session)
			).ended;
			await expect
				.poll(() => isolateB.call('session', session))
				.toContain(String.raw`\"logLevel\":\"warning\"`);
			expect(await isolateB.call('session', session)).toContain(String.raw`\"name\":\"raw\"`);
		});

		it('delivers changes of a tool that returns at once to the other isolate, each once, despite evictions', async () => {
			const session = await isolateA.initialize();
			const subscribe = { id: 2, method: 'resources/subscribe', params: { uri: 'test://a' } };
			await (
				await isolateA.post(subscribe, session)
			).ended;
			const stream = await isolateA.openStream(session);
			await stream.waitFor(': connected');
			for (let times = 1; times <= 20; times++) {
				if (times % 5 === 0) await workers.evict();
				await isolateB.call('notify', session);
			}
			await Promise.all([stream.waitFor(TOOLS_CHANGED, 20), stream.waitFor(UPDATED, 20)]);
			expect([stream.count(TOOLS_CHANGED), stream.count(UPDATED)]).toEqual([20, 20]);
			stream.destroy();
		});

		it('M8 notifications-across-isolates: delivers a change to a stateless subscription in the other isolate', async () => {
			const params = { notifications: { toolsListChanged: true } };
			const request = { id: 'subscription', method: 'subscriptions/listen', params };
			const subscription = await isolateA.postStateless(request);
			await subscription.waitFor('subscriptions/acknowledged');
			await isolateB.call('notify', await isolateB.initialize());
			await subscription.waitFor(TOOLS_CHANGED);
			expect(subscription.count(TOOLS_CHANGED)).toBe(1);
			subscription.destroy();
		});

		it('L15 stream-takeover: serves a GET at once after the connection of the previous stream was reset', async () => {
			const session = await isolateA.initialize();
			const lost = await isolateA.openStream(session);
			await lost.waitFor(': connected');
			lost.destroy();
			const next = await isolateA.openStream(session);
			expect(next.status).toBe(200);
			await next.waitFor(': connected');
			await isolateB.call('notify', session);
			await next.waitFor(TOOLS_CHANGED);
			next.destroy();
		});
	},
);
