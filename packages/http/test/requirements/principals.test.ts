import { expect, it } from 'vitest';

import type { Endpoint, Incoming } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import type { Deployment, Isolates } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const LIST = { id: 1, method: 'tools/list' };
const YES = { action: 'accept', content: { sure: true } };
const NO = { action: 'decline' };

/** The endpoint for whoever holds this token. */
function as(token: string, { here, there }: Isolates): Isolates {
	const headers = { authorization: `Bearer token-${token}` };
	return { here: here.with(headers), there: there.with(headers) };
}

/** Sends the request that each HTTP method has of a session. */
const requests: [string, (endpoint: Endpoint, session: string) => Promise<Incoming>][] = [
	['POST', (endpoint, session) => endpoint.post(LIST, session)],
	['GET', (endpoint, session) => endpoint.openStream(session)],
	['DELETE', (endpoint, session) => endpoint.endSession(session)],
];

const tests = (deployment: Deployment): void => {
	it('L23 request-authentication: whoever holds an id and no token is nobody: a 401 on POST, GET and DELETE', async () => {
		const nobody = deployment.endpoint('bearer');
		const { here } = as('ann-app-1', nobody);
		const session = await here.initialize();
		for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'token-ann' }]) {
			for (const [method, send] of requests) {
				const answer = await send(nobody.there.with(headers), session);
				expect(answer.headers['www-authenticate'], method).toMatch(/^Bearer/);
				await expectRefusal(answer, { status: 401, hides: session });
			}
		}
		expect(await here.call('who', session)).toContain('subject: ann');
	});

	it('L23 request-authentication: each request is authorized by itself: initialize and the stateless era too', async () => {
		const { here } = deployment.endpoint('bearer');
		const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: {} };
		await expectRefusal(here.post({ id: 1, method: 'initialize', params }), { status: 401 });
		await expectRefusal(here.postStateless(LIST), { status: 401 });
	});

	it.each([
		['another user', 'bob-app-1'],
		['the same user through another client', 'ann-tool-1'],
	])(
		'L24 session-principal: to %s a session is a 404 on POST, GET and DELETE',
		async (_, token) => {
			const endpoint = deployment.endpoint('bearer');
			const owner = as('ann-app-1', endpoint);
			const other = as(token, endpoint);
			const session = await owner.here.initialize();
			const stream = await owner.there.openStream(session);
			const refusal = { status: 404, says: /initialize/, hides: session };
			for (const [, send] of requests) {
				await expectRefusal(send(other.here, session), refusal);
				await expectRefusal(send(other.there, session), refusal);
			}
			expect(stream.isOver).toBe(false);
			await owner.here.call('notify', session, { what: 'tools' });
			await stream.until('list_changed');
			stream.destroy();
		},
	);

	it('L24 session-principal: names that look alike when they are put together are not the same principal', async () => {
		const endpoint = deployment.endpoint('bearer');
		const session = await as('ann_app-x-1', endpoint).here.initialize();
		for (const token of ['ann-app_x-1', 'ann-app-1', 'ann_app-x1-1']) {
			const { there } = as(token, endpoint);
			await expectRefusal(there.post(LIST, session), { status: 404, hides: session });
		}
	});

	it('L24 session-principal: a token that was refreshed keeps the session', async () => {
		const endpoint = deployment.endpoint('bearer');
		const session = await as('ann-app-1', endpoint).here.initialize();
		const { here, there } = as('ann-app-2', endpoint);
		expect(await there.call('who', session)).toContain('client: raw, subject: ann');
		const stream = await here.openStream(session);
		expect(stream.status).toBe(200);
		await as('ann-app-3', endpoint).there.call('notify', session, { what: 'tools' });
		await stream.until('list_changed');
		expect([200, 204]).toContain((await as('ann-app-4', endpoint).here.endSession(session)).status);
		await stream.ended;
	});

	it('L25 elicitation-principal: a question is open to its user alone, with a refreshed token too', async () => {
		const endpoint = deployment.endpoint('bearer');
		const ann = as('ann-app-1', endpoint);
		const bob = as('bob-app-1', endpoint);
		const [session, foreign] = [await ann.here.initialize(), await bob.here.initialize()];
		const asking = await ann.here.startCall('ask', session);
		const { id } = await asking.next('elicitation/create');
		const answer = { id: id ?? '', result: NO };
		await expectRefusal(bob.there.post(answer, session), { status: 404, hides: session });
		await bob.there.post(answer, foreign);
		await bob.here.post(answer, foreign);
		const refreshed = as('ann-app-2', endpoint).there;
		expect((await refreshed.post({ id: id ?? '', result: YES }, session)).status).toBe(202);
		await asking.ended;
		expect(asking.text).toContain('sure: true');
	});

	it('L26 elicitation-session: a session cannot answer what another one was asked', async () => {
		const { here, there } = deployment.endpoint();
		const [asked, other] = [await here.initialize(), await here.initialize()];
		const [asking, askingToo] = [
			await here.startCall('ask', asked),
			await here.startCall('ask', other),
		];
		const { id = '' } = await asking.next('elicitation/create');
		const { id: otherId = '' } = await askingToo.next('elicitation/create');
		for (const endpoint of [here, there]) {
			const answer = await endpoint.post({ id: id ?? '', result: NO }, other);
			expect(answer.status).toBe(202);
			await answer.ended;
		}
		expect([asking.isOver, askingToo.isOver]).toEqual([false, false]);
		await there.post({ id: id ?? '', result: YES }, asked);
		await there.post({ id: otherId ?? '', result: NO }, other);
		await Promise.all([asking.ended, askingToo.ended]);
		expect(asking.text).toContain('sure: true');
		expect(askingToo.text).toContain('action: decline');
	});

	it('L26 elicitation-session: nobody can guess the id of a question', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const ids: string[] = [];
		for (let question = 0; question < 5; question++) {
			const asking = await here.startCall('ask', session);
			const { id } = await asking.next('elicitation/create');
			ids.push(String(id));
			for (const guess of [1, 2, question, `${question}`]) {
				await (
					await there.post({ id: guess, result: NO }, session)
				).ended;
			}
			expect(asking.isOver).toBe(false);
			await there.post({ id: id ?? '', result: YES }, session);
			await asking.ended;
			expect(asking.text).toContain('sure: true');
		}
		// 128 bits are 22 characters of base64.
		expect(Math.min(...ids.map((id) => id.length))).toBeGreaterThanOrEqual(22);
		expect(new Set(ids).size).toBe(ids.length);
	});
};

describeEachDeployment(tests, { concurrent: true });
