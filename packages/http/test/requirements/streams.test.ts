import { expect, it } from 'vitest';

import type { IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';

function close(...streams: readonly IncomingResponse[]): void {
	for (const stream of streams) stream.destroy();
}

describeEachDeployment((deployment) => {
	it('L15 stream-takeover: serves a second GET within a second and sends new messages there while the first is open', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const old = await isolateA.openStream(session);
		const start = performance.now();
		const next = await isolateB.openStream(session);
		expect(next.status).toBe(200);
		expect(performance.now() - start).toBeLessThan(1_000);
		await isolateA.call('notify', session, { what: 'tools' });
		await next.waitFor(TOOLS_CHANGED);
		expect(old.count(TOOLS_CHANGED)).toBe(0);
		close(old, next);
	});

	it('L15 stream-takeover: serves a GET at once after the connection of the previous stream was reset', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		for (const endpoint of [isolateA, isolateB, isolateA]) {
			const lost = await endpoint.openStream(session);
			lost.destroy();
			const next = await isolateB.openStream(session);
			expect(next.status).toBe(200);
			await isolateA.call('notify', session, { what: 'prompts' });
			await next.waitFor('notifications/prompts/list_changed');
			close(next);
		}
	});

	it('L16 responses-only-on-resume: sends no response on a GET stream', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const stream = await isolateA.openStream(session);
		for (const endpoint of [isolateA, isolateB]) {
			expect(await endpoint.call('report', session, { text: 'hi', times: 2 })).toContain(
				'reported: hi',
			);
		}
		const call = await isolateA.startCall('elicit', session);
		const { id } = await call.waitForMessage('elicitation/create');
		await isolateB.post({ id: id ?? '', result: { action: 'decline' } }, session);
		await call.ended;
		await isolateB.call('notify', session, { what: 'tools' });
		await stream.waitFor(TOOLS_CHANGED);
		expect(stream.messages.map(({ method }) => method)).toEqual([TOOLS_CHANGED]);
		close(stream);
	});

	it('L17 concurrent-streams: keeps an older stream open, which takes over when the newer one closes', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const older = await isolateA.openStream(session);
		const newer = await isolateB.openStream(session);
		await older.waitFor(': keep-alive', 2);
		expect(older.hasEnded).toBe(false);
		close(newer);
		// The server notices the disconnect when it writes the next keep-alive.
		await expect
			.poll(
				async () => {
					await isolateB.call('notify', session, { what: 'tools' });
					return older.count(TOOLS_CHANGED);
				},
				{ timeout: 6_000, interval: 300 },
			)
			.toBeGreaterThan(0);
		close(older);
	});

	it('L18 single-delivery: sends each message on one of three streams', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
		await (
			await isolateB.post(subscribe, session)
		).ended;
		const streams = [
			await isolateA.openStream(session),
			await isolateB.openStream(session),
			await isolateA.openStream(session),
		];
		for (let round = 0; round < 5; round++) {
			await isolateA.call('notify', session, { what: 'tools' });
			await isolateB.call('update', session, { uri: 'test://a' });
		}
		const count = (text: string): number =>
			streams.reduce((sum, stream) => sum + stream.count(text), 0);
		await expect.poll(() => [count(TOOLS_CHANGED), count(UPDATED)]).toEqual([5, 5]);
		await new Promise((resolve) => setTimeout(resolve, 200));
		expect([count(TOOLS_CHANGED), count(UPDATED)]).toEqual([5, 5]);
		close(...streams);
	});

	it('sends resource updates only to sessions that subscribed to the resource', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const [session, other] = [await isolateA.initialize(), await isolateA.initialize()];
		const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
		await (
			await isolateA.post(subscribe, session)
		).ended;
		const streams = [await isolateB.openStream(session), await isolateA.openStream(other)] as const;
		const source = deployment.hasOneServer ? other : session;
		await isolateB.call('update', source, { uri: 'test://b' });
		await isolateB.call('update', source, { uri: 'test://a' });
		for (const each of [session, other]) await isolateA.call('notify', each, { what: 'tools' });
		await Promise.all([
			streams[0].waitFor(UPDATED),
			...streams.map((s) => s.waitFor(TOOLS_CHANGED)),
		]);
		expect(streams.map((stream) => stream.count(UPDATED))).toEqual([1, 0]);
		expect(streams[0].text).not.toContain('test://b');
		close(...streams);
	});
});
