import { expect, it } from 'vitest';

import { describeEachDeployment, describeSlidingDeployments } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const LIST = { id: 1, method: 'tools/list' };
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const IDLE_MS = 1_500;

const tests = (deployment: Deployment): void => {
	it('L4 ended-session: rejects the id of an ended session with 404 on POST, GET and DELETE in both isolates', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		expect((await isolateB.post(LIST, session)).status).toBe(200);
		await isolateA.endSession(session);
		const rejection = { status: 404, message: /initialize/, omits: session };
		for (const endpoint of [isolateB, isolateA]) {
			await expectRejection(endpoint.post(LIST, session), rejection);
			await expectRejection(
				endpoint.post({ method: 'notifications/initialized' }, session),
				rejection,
			);
			await expectRejection(endpoint.post({ id: 'unasked', result: {} }, session), rejection);
			await expectRejection(endpoint.openStream(session), rejection);
			await expectRejection(endpoint.endSession(session), rejection);
		}
	});

	it('L4 ended-session: rejects the id of an expired session with 404 on POST, GET and DELETE in both isolates', async () => {
		const { isolateA, isolateB } = deployment.endpoint('brief');
		const session = await isolateA.initialize();
		await new Promise((resolve) => setTimeout(resolve, IDLE_MS + 200));
		const rejection = { status: 404, message: /initialize/, omits: session };
		for (const endpoint of [isolateB, isolateA]) {
			await expectRejection(endpoint.post(LIST, session), rejection);
			await expectRejection(endpoint.openStream(session), rejection);
			await expectRejection(endpoint.endSession(session), rejection);
		}
	});

	it('L4 ended-session: does not revive an ended session when a running call finishes', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const note = crypto.randomUUID();
		const call = await isolateB.startCall('sleep', session, { ms: 400, note });
		await isolateA.endSession(session);
		await call.ended;
		await expectRejection(isolateA.post(LIST, session), { status: 404, omits: session });
		await expectRejection(isolateB.post(LIST, session), { status: 404, omits: session });
	});

	it('L6 delete-session: ends the session and its streams in both isolates on DELETE, and no other session', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const [session, other] = [await isolateA.initialize(), await isolateA.initialize()];
		const streams = [await isolateA.openStream(session), await isolateB.openStream(session)];
		const kept = await isolateA.openStream(other);
		expect([200, 204]).toContain((await isolateB.endSession(session)).status);
		await Promise.all(streams.map(({ ended }) => ended));
		expect(kept.hasEnded).toBe(false);
		await isolateB.call('notify', other, { what: 'tools' });
		await kept.waitFor(TOOLS_CHANGED);
		for (const stream of streams) expect(stream.count(TOOLS_CHANGED)).toBe(0);
		kept.destroy();
	});

	it('L6 delete-session: rejects DELETE without a session id with 400', async () => {
		const { isolateA } = deployment.endpoint();
		await expectRejection(isolateA.endSession(), { status: 400, message: /Mcp-Session-Id/i });
	});

	it('L7 single-endpoint: accepts POST, GET and DELETE on one path and lists them in Allow for other methods', async () => {
		const { isolateA } = deployment.endpoint();
		const session = await isolateA.initialize();
		expect((await isolateA.post(LIST, session)).status).toBe(200);
		const stream = await isolateA.openStream(session);
		expect(stream.status).toBe(200);
		expect(stream.headers['content-type']).toMatch('text/event-stream');
		stream.destroy();
		const put = await isolateA.send('PUT', { 'mcp-session-id': session }, JSON.stringify(LIST));
		expect(put.headers.allow).toMatch(/(?=.*GET)(?=.*POST)(?=.*DELETE)/);
		await expectRejection(put, { status: 405 });
	});
};

describeEachDeployment(tests, { concurrent: true });

describeSlidingDeployments((deployment) => {
	it('L4 ended-session: does not expire a session that receives requests', async () => {
		const { isolateA, isolateB } = deployment.endpoint('brief');
		// When the last request was sent: the server may have used the session from then on.
		let usedMs = performance.now();
		let session = await isolateA.initialize();
		for (let use = 0; use < 3; use++) {
			await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 2));
			const endpoint = use % 2 === 0 ? isolateB : isolateA;
			const sentMs = performance.now();
			const response = await endpoint.call('echo', session, { text: 'still' });
			if (performance.now() - usedMs <= IDLE_MS - 100) {
				expect(response).toContain('echo: still');
				usedMs = sentMs;
			} else {
				// The machine stalled for longer than the idle time: start over.
				usedMs = performance.now();
				session = await isolateA.initialize();
				use = -1;
			}
		}
	});

	it('L4 ended-session: does not expire a session with an open stream', async () => {
		const { isolateA, isolateB } = deployment.endpoint('brief');
		const session = await isolateA.initialize();
		const stream = await isolateA.openStream(session);
		await new Promise((resolve) => setTimeout(resolve, 3 * IDLE_MS));
		expect(stream.hasEnded).toBe(false);
		expect(await isolateB.call('echo', session, { text: 'still' })).toContain('echo: still');
		stream.destroy();
	});
});
