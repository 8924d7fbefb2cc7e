import { expect, it } from 'vitest';

import type { Endpoint, IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import type { Deployment } from './deployments.ts';

/** A call opens its inbox, which receives cancellations from other isolates, after one second. */
const INBOX_OPEN_MS = 1_700;

function cancel(
	endpoint: Endpoint,
	session: string,
	requestId: string | number,
): Promise<IncomingResponse> {
	const params = { requestId, reason: 'The user has changed their mind' };
	return endpoint.post({ method: 'notifications/cancelled', params }, session);
}

const tests = (deployment: Deployment): void => {
	const startCancellable = async (
		endpoint: Endpoint,
		session: string,
		id: string | number,
	): Promise<{ call: IncomingResponse; note: string }> => {
		const note = crypto.randomUUID();
		const call = await endpoint.startCall('wait-for-cancel', session, { note }, id);
		await call.waitFor('begun');
		return { call, note };
	};
	const expectCancelled = async ({
		call,
		note,
	}: {
		call: IncomingResponse;
		note: string;
	}): Promise<void> => {
		await call.ended;
		expect(call.messages.filter(({ method }) => method === undefined)).toEqual([]);
		expect(await deployment.awaitNote(note)).toBe('cancelled');
	};

	it('L14 cancellation: cancels a call at once in its own isolate and ends its stream without a response', async () => {
		const { isolateA } = deployment.endpoint();
		const session = await isolateA.initialize();
		for (const id of [7, 'seven']) {
			const cancellable = await startCancellable(isolateA, session, id);
			const response = await cancel(isolateA, session, id);
			await response.ended;
			expect([response.status, response.text]).toEqual([202, '']);
			await expectCancelled(cancellable);
		}
	});

	it('L14 cancellation: cancels a call that has run for more than a second from the other isolate', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const cancellable = await startCancellable(isolateA, session, 7);
		await new Promise((resolve) => setTimeout(resolve, INBOX_OPEN_MS));
		expect((await cancel(isolateB, session, 7)).status).toBe(202);
		await expectCancelled(cancellable);
	});

	it('L14 cancellation: cancels a call that has just begun from the other isolate', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const cancellable = await startCancellable(isolateA, session, 7);
		expect((await cancel(isolateB, session, 7)).status).toBe(202);
		await expectCancelled(cancellable);
	});

	it('L14 cancellation: cancels a call that waits for an elicitation from the other isolate', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const call = await isolateA.startCall('elicit', session, {}, 7);
		await call.waitForMessage('elicitation/create');
		expect((await cancel(isolateB, session, 7)).status).toBe(202);
		await call.ended;
		expect(call.messages.filter(({ method }) => method === undefined)).toEqual([]);
	});

	it('L14 cancellation: cancels no call with another id, another id type or another session', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const [session, other] = [await isolateA.initialize(), await isolateA.initialize()];
		const cancelled = await startCancellable(isolateA, session, 7);
		const others = [
			await startCancellable(isolateA, session, 8),
			await startCancellable(isolateA, session, '7'),
			await startCancellable(isolateA, other, 7),
		];
		await new Promise((resolve) => setTimeout(resolve, INBOX_OPEN_MS));
		expect((await cancel(isolateB, session, 7)).status).toBe(202);
		await expectCancelled(cancelled);
		await new Promise((resolve) => setTimeout(resolve, 300));
		expect(others.map(({ call }) => call.hasEnded)).toEqual([false, false, false]);
		await cancel(isolateB, session, 8);
		await cancel(isolateB, session, '7');
		await cancel(isolateB, other, 7);
		await Promise.all(others.map((cancellable) => expectCancelled(cancellable)));
	});

	it('L14 cancellation: answers a cancellation of a finished or unknown call with 202 and no effect', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		await isolateA.call('echo', session, { text: 'over' });
		for (const id of [1, 'never']) expect((await cancel(isolateB, session, id)).status).toBe(202);
		expect(await isolateA.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it('L10 accept-negotiation, L14 cancellation: cancels a call with a JSON response and ends that response', async () => {
		const { isolateA } = deployment.endpoint();
		const session = await isolateA.initialize();
		const note = crypto.randomUUID();
		const client = isolateA.with({ accept: 'application/json' });
		const calling = client.startCall('wait-for-cancel', session, { note }, 7);
		await new Promise((resolve) => setTimeout(resolve, 300));
		expect((await cancel(isolateA, session, 7)).status).toBe(202);
		const call = await calling;
		await call.ended;
		expect(call.text).not.toContain('result');
		expect(await deployment.awaitNote(note)).toBe('cancelled');
	});

	it('L13 disconnect-is-not-cancellation, L14 cancellation: cancels neither initialize nor a call whose connection dropped', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		expect((await cancel(isolateB, session, 0)).status).toBe(202);
		const cancellable = await startCancellable(isolateA, session, 7);
		cancellable.call.destroy();
		await new Promise((resolve) => setTimeout(resolve, INBOX_OPEN_MS));
		expect(await deployment.note(cancellable.note)).toBeNull();
		await cancel(isolateB, session, 7);
		expect(await deployment.awaitNote(cancellable.note)).toBe('cancelled');
	});
};

describeEachDeployment(tests, { concurrent: true });
