import { expect, it } from 'vitest';

import type { Incoming } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';

function close(...streams: readonly Incoming[]): void {
	for (const stream of streams) stream.destroy();
}

describeEachDeployment((deployment) => {
	it('L15 stream-takeover: a GET that comes again is served at once and gets what is new, the old one still open', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const old = await here.openStream(session);
		const start = performance.now();
		const next = await there.openStream(session);
		expect(next.status).toBe(200);
		expect(performance.now() - start).toBeLessThan(1_000);
		await here.call('notify', session, { what: 'tools' });
		await next.until(TOOLS_CHANGED);
		expect(old.count(TOOLS_CHANGED)).toBe(0);
		close(old, next);
	});

	it('L15 stream-takeover: a GET after a connection that was lost without a goodbye is served at once', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		for (const endpoint of [here, there, here]) {
			const lost = await endpoint.openStream(session);
			lost.destroy();
			const next = await there.openStream(session);
			expect(next.status).toBe(200);
			await here.call('notify', session, { what: 'prompts' });
			await next.until('notifications/prompts/list_changed');
			close(next);
		}
	});

	it('L16 responses-only-on-resume: no response travels on a GET stream', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const stream = await here.openStream(session);
		for (const endpoint of [here, there]) {
			expect(await endpoint.call('tell', session, { text: 'hi', times: 2 })).toContain('told: hi');
		}
		const asking = await here.startCall('ask', session);
		const { id } = await asking.next('elicitation/create');
		await there.post({ id: id ?? '', result: { action: 'decline' } }, session);
		await asking.ended;
		await there.call('notify', session, { what: 'tools' });
		await stream.until(TOOLS_CHANGED);
		expect(stream.messages.map(({ method }) => method)).toEqual([TOOLS_CHANGED]);
		close(stream);
	});

	it('L17 concurrent-streams: an older stream stays open until its client leaves, and takes over when a newer one does', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const older = await here.openStream(session);
		const newer = await there.openStream(session);
		await older.until(': keep-alive', 2);
		expect(older.isOver).toBe(false);
		close(newer);
		// A client that left is noticed by the next heartbeat.
		await expect
			.poll(
				async () => {
					await there.call('notify', session, { what: 'tools' });
					return older.count(TOOLS_CHANGED);
				},
				{ timeout: 6_000, interval: 300 },
			)
			.toBeGreaterThan(0);
		close(older);
	});

	it('L18 single-delivery: a message is never sent on two streams', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
		await (
			await there.post(subscribe, session)
		).ended;
		const streams = [
			await here.openStream(session),
			await there.openStream(session),
			await here.openStream(session),
		];
		for (let round = 0; round < 5; round++) {
			await here.call('notify', session, { what: 'tools' });
			await there.call('update', session, { uri: 'test://a' });
		}
		const count = (text: string): number =>
			streams.reduce((sum, stream) => sum + stream.count(text), 0);
		await expect.poll(() => [count(TOOLS_CHANGED), count(UPDATED)]).toEqual([5, 5]);
		await new Promise((resolve) => setTimeout(resolve, 200));
		expect([count(TOOLS_CHANGED), count(UPDATED)]).toEqual([5, 5]);
		close(...streams);
	});

	it('a session is told of the resources that it subscribed to, and no other session is', async () => {
		const { here, there } = deployment.endpoint();
		const [session, other] = [await here.initialize(), await here.initialize()];
		const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
		await (
			await here.post(subscribe, session)
		).ended;
		const streams = [await there.openStream(session), await here.openStream(other)] as const;
		const raising = deployment.hasOneServer ? other : session;
		await there.call('update', raising, { uri: 'test://b' });
		await there.call('update', raising, { uri: 'test://a' });
		for (const each of [session, other]) await here.call('notify', each, { what: 'tools' });
		await Promise.all([streams[0].until(UPDATED), ...streams.map((s) => s.until(TOOLS_CHANGED))]);
		expect(streams.map((stream) => stream.count(UPDATED))).toEqual([1, 0]);
		expect(streams[0].text).not.toContain('test://b');
		close(...streams);
	});
});
