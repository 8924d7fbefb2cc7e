import { expect, it } from 'vitest';

import type { Endpoint, IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';

const REVISION = '2025-11-25';
/** The events of a call carry ids once it has run for more than a second. */
const WITH_IDS_MS = 1_600;
/** A call in another isolate counts as lost once it would have reconnected. */
const LOST_MS = 30_000;
const IDS = [7, -7, 'seven', '', '7', 'ü\u2028 "/:', '\ud800', 'x'.repeat(1_024)];

const lastId = ({ text }: IncomingResponse): string =>
	[...text.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? '';

function latestRevision(endpoint: Endpoint, lastEventId?: string): Endpoint {
	return endpoint.with({ 'mcp-protocol-version': REVISION, 'last-event-id': lastEventId });
}

/** Expects that the server makes a client stop that resumes after the last event. */
async function expectNothingLeft(
	endpoint: Endpoint,
	session: string,
	lastEventId: string,
): Promise<void> {
	const again = await latestRevision(endpoint, lastEventId).openStream(session);
	await again.ended;
	expect([again.status, again.text]).toEqual([204, '']);
}

describeEachDeployment(
	(deployment) => {
		it.each(IDS)(
			'hazard unanswered-calls: ends the resumed stream of the cancelled call %j with an error for it, and then with 204',
			async (id) => {
				const { isolateA, isolateB } = deployment.endpoint();
				const session = await isolateA.initialize();
				const note = crypto.randomUUID();
				const call = await latestRevision(isolateA).startCall(
					'wait-for-cancel',
					session,
					{ note },
					id,
				);
				await call.waitFor('id: call/');
				await isolateB.post(
					{ method: 'notifications/cancelled', params: { requestId: id } },
					session,
				);
				await call.ended;
				expect(call.messages.filter(({ method }) => method === undefined)).toEqual([]);
				const startedAt = performance.now();
				const resumed = await latestRevision(isolateB, lastId(call)).openStream(session);
				await resumed.ended;
				expect(resumed.rpcResponse).toEqual({
					jsonrpc: '2.0',
					id,
					error: { code: -32_001, message: 'The call was cancelled' },
				});
				await expectNothingLeft(isolateA, session, lastId(resumed));
				expect(performance.now() - startedAt).toBeLessThan(5_000);
			},
		);

		it('hazard unanswered-calls: answers a client that has the response and resumes after it with 204', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const call = await latestRevision(isolateA).startCall('sleep', session, {
				ms: WITH_IDS_MS,
				note: crypto.randomUUID(),
			});
			await call.ended;
			expect(call.rpcResponse).toMatchObject({ id: 1 });
			await expectNothingLeft(isolateB, session, lastId(call));
		});

		it(
			'hazard unanswered-calls: ends the resumed stream of a call that no isolate runs with an error for its request',
			{ timeout: 2 * LOST_MS },
			async () => {
				const { isolateA, isolateB } = deployment.endpoint();
				const session = await isolateA.initialize();
				// What a client of an isolate that was lost sends: every isolate gets it as an unknown id.
				const lost = `call/${crypto.randomUUID()}/n7:3`;
				const resumed = await latestRevision(isolateB, lost).openStream(session);
				await Promise.race([resumed.ended, new Promise((resolve) => setTimeout(resolve, LOST_MS))]);
				expect(resumed.hasEnded).toBe(true);
				expect(resumed.rpcResponse).toMatchObject({
					id: 7,
					error: { code: -32_001, message: expect.stringMatching(/interrupted.*call again/) },
				});
				await expectNothingLeft(isolateA, session, lastId(resumed));
			},
		);
	},
	{ concurrent: true },
);
