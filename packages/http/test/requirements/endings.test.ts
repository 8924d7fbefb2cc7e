import { expect, it } from 'vitest';

import { describeEachDeployment, describeSlidingDeployments } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const LIST = { id: 1, method: 'tools/list' };
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const IDLE_MS = 1_500;

const tests = (deployment: Deployment): void => {
	it('L4 ended-session: an id that was ended is a 404 on POST, GET and DELETE, in the other isolate too', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		expect((await there.post(LIST, session)).status).toBe(200);
		await here.endSession(session);
		const refusal = { status: 404, says: /initialize/, hides: session };
		for (const endpoint of [there, here]) {
			await expectRefusal(endpoint.post(LIST, session), refusal);
			await expectRefusal(endpoint.post({ method: 'notifications/initialized' }, session), refusal);
			await expectRefusal(endpoint.post({ id: 'unasked', result: {} }, session), refusal);
			await expectRefusal(endpoint.openStream(session), refusal);
			await expectRefusal(endpoint.endSession(session), refusal);
		}
	});

	it('L4 ended-session: an id that has expired is a 404 on POST, GET and DELETE, in the other isolate too', async () => {
		const { here, there } = deployment.endpoint('brief');
		const session = await here.initialize();
		await new Promise((resolve) => setTimeout(resolve, IDLE_MS + 200));
		const refusal = { status: 404, says: /initialize/, hides: session };
		for (const endpoint of [there, here]) {
			await expectRefusal(endpoint.post(LIST, session), refusal);
			await expectRefusal(endpoint.openStream(session), refusal);
			await expectRefusal(endpoint.endSession(session), refusal);
		}
	});

	it('L4 ended-session: an id that was ended stays so: what is written late does not bring it back', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const note = crypto.randomUUID();
		const working = await there.startCall('work', session, { ms: 400, note });
		await here.endSession(session);
		await working.ended;
		await expectRefusal(here.post(LIST, session), { status: 404, hides: session });
		await expectRefusal(there.post(LIST, session), { status: 404, hides: session });
	});

	it('L6 delete-session: DELETE ends a session, its streams in every isolate with it, and no other session', async () => {
		const { here, there } = deployment.endpoint();
		const [session, other] = [await here.initialize(), await here.initialize()];
		const streams = [await here.openStream(session), await there.openStream(session)];
		const kept = await here.openStream(other);
		expect([200, 204]).toContain((await there.endSession(session)).status);
		await Promise.all(streams.map(({ ended }) => ended));
		expect(kept.isOver).toBe(false);
		await there.call('notify', other, { what: 'tools' });
		await kept.until(TOOLS_CHANGED);
		for (const stream of streams) expect(stream.count(TOOLS_CHANGED)).toBe(0);
		kept.destroy();
	});

	it('L6 delete-session: DELETE without a session id is a 400', async () => {
		const { here } = deployment.endpoint();
		await expectRefusal(here.endSession(), { status: 400, says: /Mcp-Session-Id/i });
	});

	it('L7 single-endpoint: one path takes POST, GET and DELETE, and names them where it takes nothing else', async () => {
		const { here } = deployment.endpoint();
		const session = await here.initialize();
		expect((await here.post(LIST, session)).status).toBe(200);
		const stream = await here.openStream(session);
		expect(stream.status).toBe(200);
		expect(stream.headers['content-type']).toMatch('text/event-stream');
		stream.destroy();
		const put = await here.send('PUT', { 'mcp-session-id': session }, JSON.stringify(LIST));
		expect(put.headers.allow).toMatch(/(?=.*GET)(?=.*POST)(?=.*DELETE)/);
		await expectRefusal(put, { status: 405 });
	});
};

describeEachDeployment(tests, { concurrent: true });

describeSlidingDeployments((deployment) => {
	it('L4 ended-session: a session that is used does not expire meanwhile', async () => {
		const { here, there } = deployment.endpoint('brief');
		let session = await here.initialize();
		let usedMs = performance.now();
		for (let use = 0; use < 3; use++) {
			await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 2));
			const endpoint = use % 2 === 0 ? there : here;
			const answer = await endpoint.call('echo', session, { text: 'still' });
			// On a machine that is held up it was not used in time: it begins anew.
			if (performance.now() - usedMs > IDLE_MS - 100) {
				session = await here.initialize();
				use = -1;
			} else expect(answer).toContain('echo: still');
			usedMs = performance.now();
		}
	});

	it('L4 ended-session: a session whose stream is open does not expire meanwhile', async () => {
		const { here, there } = deployment.endpoint('brief');
		const session = await here.initialize();
		const stream = await here.openStream(session);
		await new Promise((resolve) => setTimeout(resolve, 3 * IDLE_MS));
		expect(stream.isOver).toBe(false);
		expect(await there.call('echo', session, { text: 'still' })).toContain('echo: still');
		stream.destroy();
	});
});
