import { expect, it } from 'vitest';

import type { Endpoint, Incoming } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import type { Deployment } from './deployments.ts';

/** A call waits so long before it listens for what other isolates say. */
const SETTLED_MS = 1_700;

function cancel(
	endpoint: Endpoint,
	session: string,
	requestId: string | number,
): Promise<Incoming> {
	const params = { requestId, reason: 'The user has changed their mind' };
	return endpoint.post({ method: 'notifications/cancelled', params }, session);
}

const tests = (deployment: Deployment): void => {
	const startWaiting = async (
		endpoint: Endpoint,
		session: string,
		id: string | number,
	): Promise<{ call: Incoming; note: string }> => {
		const note = crypto.randomUUID();
		const call = await endpoint.startCall('wait-for-cancel', session, { note }, id);
		await call.until('begun');
		return { call, note };
	};
	const expectCancelled = async ({
		call,
		note,
	}: {
		call: Incoming;
		note: string;
	}): Promise<void> => {
		await call.ended;
		expect(call.messages.filter(({ method }) => method === undefined)).toEqual([]);
		expect(await deployment.awaitNote(note)).toBe('cancelled');
	};

	it('L14 cancellation: a call is cancelled at once in its isolate, and its stream ends without a response', async () => {
		const { here } = deployment.endpoint();
		const session = await here.initialize();
		for (const id of [7, 'seven']) {
			const waiting = await startWaiting(here, session, id);
			const answer = await cancel(here, session, id);
			await answer.ended;
			expect([answer.status, answer.text]).toEqual([202, '']);
			await expectCancelled(waiting);
		}
	});

	it('L14 cancellation: a call that has run for a while is cancelled from the other isolate', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const waiting = await startWaiting(here, session, 7);
		await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
		expect((await cancel(there, session, 7)).status).toBe(202);
		await expectCancelled(waiting);
	});

	it('L14 cancellation: a call that waits for the user is cancelled from the other isolate', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const asking = await here.startCall('ask', session, {}, 7);
		await asking.next('elicitation/create');
		expect((await cancel(there, session, 7)).status).toBe(202);
		await asking.ended;
		expect(asking.messages.filter(({ method }) => method === undefined)).toEqual([]);
	});

	it('L14 cancellation: what is cancelled is one call of one session, and no other', async () => {
		const { here, there } = deployment.endpoint();
		const [session, other] = [await here.initialize(), await here.initialize()];
		const cancelled = await startWaiting(here, session, 7);
		const others = [
			await startWaiting(here, session, 8),
			await startWaiting(here, session, '7'),
			await startWaiting(here, other, 7),
		];
		await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
		expect((await cancel(there, session, 7)).status).toBe(202);
		await expectCancelled(cancelled);
		await new Promise((resolve) => setTimeout(resolve, 300));
		expect(others.map(({ call }) => call.isOver)).toEqual([false, false, false]);
		await cancel(there, session, 8);
		await cancel(there, session, '7');
		await cancel(there, other, 7);
		await Promise.all(others.map((waiting) => expectCancelled(waiting)));
	});

	it('L14 cancellation: a cancellation of what is over or never was is a 202 and does nothing', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		await here.call('echo', session, { text: 'over' });
		for (const id of [1, 'never']) expect((await cancel(there, session, id)).status).toBe(202);
		expect(await here.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it('L10 accept-negotiation, L14 cancellation: a call that is to be answered in JSON is cancelled too, and ends', async () => {
		const { here } = deployment.endpoint();
		const session = await here.initialize();
		const note = crypto.randomUUID();
		const client = here.with({ accept: 'application/json' });
		const calling = client.startCall('wait-for-cancel', session, { note }, 7);
		await new Promise((resolve) => setTimeout(resolve, 300));
		expect((await cancel(here, session, 7)).status).toBe(202);
		const call = await calling;
		await call.ended;
		expect(call.text).not.toContain('result');
		expect(await deployment.awaitNote(note)).toBe('cancelled');
	});

	it('L13 disconnect-is-not-cancellation, L14 cancellation: initialize is not cancelled, and a dropped connection cancels nothing', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		expect((await cancel(there, session, 0)).status).toBe(202);
		const waiting = await startWaiting(here, session, 7);
		waiting.call.destroy();
		await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
		expect(await deployment.note(waiting.note)).toBeNull();
		await cancel(there, session, 7);
		expect(await deployment.awaitNote(waiting.note)).toBe('cancelled');
	});
};

describeEachDeployment(tests, { concurrent: true });
