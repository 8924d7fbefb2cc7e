import { expect, it } from 'vitest';

import type { Endpoint, IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import type { Deployment, Isolates } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const LIST = { id: 1, method: 'tools/list' };
const YES = { action: 'accept', content: { sure: true } };
const NO = { action: 'decline' };

/** Returns the endpoint for a client with this token. */
function withToken(token: string, { isolateA, isolateB }: Isolates): Isolates {
	const headers = { authorization: `Bearer token-${token}` };
	return { isolateA: isolateA.with(headers), isolateB: isolateB.with(headers) };
}

/** One request of a session for each HTTP method. */
const requests: [string, (endpoint: Endpoint, session: string) => Promise<IncomingResponse>][] = [
	['POST', (endpoint, session) => endpoint.post(LIST, session)],
	['GET', (endpoint, session) => endpoint.openStream(session)],
	['DELETE', (endpoint, session) => endpoint.endSession(session)],
];

const tests = (deployment: Deployment): void => {
	it('L23 request-authentication: rejects a session id without a valid token with 401 on POST, GET and DELETE', async () => {
		const anonymous = deployment.endpoint('bearer');
		const { isolateA } = withToken('ann-app-1', anonymous);
		const session = await isolateA.initialize();
		for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'token-ann' }]) {
			for (const [method, send] of requests) {
				const response = await send(anonymous.isolateB.with(headers), session);
				expect(response.headers['www-authenticate'], method).toMatch(/^Bearer/);
				await expectRejection(response, { status: 401, omits: session });
			}
		}
		expect(await isolateA.call('identify', session)).toContain('subject: ann');
	});

	it('L23 request-authentication: rejects initialize and stateless requests without a token with 401', async () => {
		const { isolateA } = deployment.endpoint('bearer');
		const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: {} };
		await expectRejection(isolateA.post({ id: 1, method: 'initialize', params }), { status: 401 });
		await expectRejection(isolateA.postStateless(LIST), { status: 401 });
	});

	it.each([
		['another user', 'bob-app-1'],
		['the same user through another client', 'ann-tool-1'],
	])('L24 session-principal: rejects %s with 404 on POST, GET and DELETE', async (_, token) => {
		const endpoint = deployment.endpoint('bearer');
		const owner = withToken('ann-app-1', endpoint);
		const other = withToken(token, endpoint);
		const session = await owner.isolateA.initialize();
		const stream = await owner.isolateB.openStream(session);
		const rejection = { status: 404, message: /initialize/, omits: session };
		for (const [, send] of requests) {
			await expectRejection(send(other.isolateA, session), rejection);
			await expectRejection(send(other.isolateB, session), rejection);
		}
		expect(stream.hasEnded).toBe(false);
		await owner.isolateA.call('notify', session, { what: 'tools' });
		await stream.waitFor('list_changed');
		stream.destroy();
	});

	it('L24 session-principal: distinguishes principals whose subject and client concatenate to the same text', async () => {
		const endpoint = deployment.endpoint('bearer');
		const session = await withToken('ann_app-x-1', endpoint).isolateA.initialize();
		for (const token of ['ann-app_x-1', 'ann-app-1', 'ann_app-x1-1']) {
			const { isolateB } = withToken(token, endpoint);
			await expectRejection(isolateB.post(LIST, session), { status: 404, omits: session });
		}
	});

	it('L24 session-principal: accepts a refreshed token for the same session', async () => {
		const endpoint = deployment.endpoint('bearer');
		const session = await withToken('ann-app-1', endpoint).isolateA.initialize();
		const { isolateA, isolateB } = withToken('ann-app-2', endpoint);
		expect(await isolateB.call('identify', session)).toContain('client: raw, subject: ann');
		const stream = await isolateA.openStream(session);
		expect(stream.status).toBe(200);
		await withToken('ann-app-3', endpoint).isolateB.call('notify', session, { what: 'tools' });
		await stream.waitFor('list_changed');
		expect([200, 204]).toContain(
			(await withToken('ann-app-4', endpoint).isolateA.endSession(session)).status,
		);
		await stream.ended;
	});

	it('L25 elicitation-principal: accepts a client response only from the user of the elicitation, also with a refreshed token', async () => {
		const endpoint = deployment.endpoint('bearer');
		const ann = withToken('ann-app-1', endpoint);
		const bob = withToken('bob-app-1', endpoint);
		const [session, bobsSession] = [
			await ann.isolateA.initialize(),
			await bob.isolateA.initialize(),
		];
		const call = await ann.isolateA.startCall('elicit', session);
		const { id } = await call.waitForMessage('elicitation/create');
		const response = { id: id ?? '', result: NO };
		await expectRejection(bob.isolateB.post(response, session), { status: 404, omits: session });
		await bob.isolateB.post(response, bobsSession);
		await bob.isolateA.post(response, bobsSession);
		const refreshed = withToken('ann-app-2', endpoint).isolateB;
		expect((await refreshed.post({ id: id ?? '', result: YES }, session)).status).toBe(202);
		await call.ended;
		expect(call.text).toContain('sure: true');
	});

	it('L26 elicitation-session: ignores a client response from another session', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const [session, other] = [await isolateA.initialize(), await isolateA.initialize()];
		const [call, otherCall] = [
			await isolateA.startCall('elicit', session),
			await isolateA.startCall('elicit', other),
		];
		const { id = '' } = await call.waitForMessage('elicitation/create');
		const { id: otherId = '' } = await otherCall.waitForMessage('elicitation/create');
		for (const endpoint of [isolateA, isolateB]) {
			const response = await endpoint.post({ id: id ?? '', result: NO }, other);
			expect(response.status).toBe(202);
			await response.ended;
		}
		expect([call.hasEnded, otherCall.hasEnded]).toEqual([false, false]);
		await isolateB.post({ id: id ?? '', result: YES }, session);
		await isolateB.post({ id: otherId ?? '', result: NO }, other);
		await Promise.all([call.ended, otherCall.ended]);
		expect(call.text).toContain('sure: true');
		expect(otherCall.text).toContain('action: decline');
	});

	it('L26 elicitation-session: gives server requests unguessable ids of at least 128 bits', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const ids: string[] = [];
		for (let request = 0; request < 5; request++) {
			const call = await isolateA.startCall('elicit', session);
			const { id } = await call.waitForMessage('elicitation/create');
			ids.push(String(id));
			for (const guess of [1, 2, request, `${request}`]) {
				await (
					await isolateB.post({ id: guess, result: NO }, session)
				).ended;
			}
			expect(call.hasEnded).toBe(false);
			await isolateB.post({ id: id ?? '', result: YES }, session);
			await call.ended;
			expect(call.text).toContain('sure: true');
		}
		// 128 bits are 22 characters of base64.
		expect(Math.min(...ids.map((id) => id.length))).toBeGreaterThanOrEqual(22);
		expect(new Set(ids).size).toBe(ids.length);
	});
};

describeEachDeployment(tests, { concurrent: true });
