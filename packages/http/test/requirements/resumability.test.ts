import { expect, it } from 'vitest';

import type { Endpoint, IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const REVISION = '2025-11-25';
/** The events of a call carry ids once it has run for more than a second. */
const WITH_IDS_MS = 1_600;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ids = ({ text }: IncomingResponse): string[] =>
	[...text.matchAll(/^id: (\S+)\n/gm)].map(([, id = '']) => id);
const lastId = (incoming: IncomingResponse): string => ids(incoming).at(-1) ?? '';

async function subscribe(endpoint: Endpoint, session: string, uri: string): Promise<void> {
	const message = { id: 1, method: 'resources/subscribe', params: { uri } };
	await (
		await endpoint.post(message, session)
	).ended;
}

/** Returns the endpoint for a client of 2025-11-25 that resumes after an event, if one is given. */
function latestRevision(endpoint: Endpoint, lastEventId?: string): Endpoint {
	return endpoint.with({ 'mcp-protocol-version': REVISION, 'last-event-id': lastEventId });
}

describeEachDeployment(
	(deployment) => {
		it('L22 version-negotiation: negotiates 2025-11-25 if the client requests it or an unknown revision', async () => {
			const { isolateA } = deployment.endpoint();
			for (const [requested, negotiated] of [
				[REVISION, REVISION],
				['2025-06-18', '2025-06-18'],
				['2099-01-01', REVISION],
			]) {
				const clientInfo = { name: 'raw', version: '1.0.0' };
				const params = { protocolVersion: requested, capabilities: {}, clientInfo };
				const response = await isolateA.post({ id: 0, method: 'initialize', params });
				await response.ended;
				expect(response.rpcResponse.result).toMatchObject({ protocolVersion: negotiated });
			}
		});

		it('L12 priming-event: begins a GET stream with an event id for clients of 2025-11-25 and with a comment for others', async () => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const stream = await latestRevision(isolateA).openStream(session);
			await stream.waitFor('id: ');
			expect(stream.text).toMatch(/^id: \S+\ndata:\n\n/m);
			const older = await isolateA
				.with({ 'mcp-protocol-version': '2025-06-18' })
				.openStream(session);
			await older.waitFor(': keep-alive', 2);
			// Only other clients' list changes may follow.
			expect(older.text).not.toMatch(/^(?:retry|data:$)/m);
			expect(older.text).toMatch(/^: /);
			expect(stream.text).not.toContain('retry');
			stream.destroy();
			older.destroy();
		});

		it('L19 event-ids, L20 event-replay: replays the events that a stream missed, once and in order', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const [one, other] = deployment.ownUris;
			const openSession = async (): Promise<{ session: string; stream: IncomingResponse }> => {
				const session = await isolateA.initialize();
				for (const uri of [one, other]) await subscribe(isolateA, session, uri);
				const stream = await latestRevision(isolateA).openStream(session);
				await stream.waitFor('id: ');
				return { session, stream };
			};
			const { session, stream } = await openSession();
			// Changes of two requests have no order: wait for a second session to receive each one.
			const observer = deployment.hasOneServer ? await openSession() : undefined;
			const update = async (endpoint: Endpoint, uri: string, times: number): Promise<void> => {
				await endpoint.call('update', session, { uri });
				await observer?.stream.waitFor(uri, times);
			};
			await update(isolateA, one, 1);
			await stream.waitFor(one);
			const seen = lastId(stream);
			stream.destroy();
			await update(isolateB, other, 1);
			await update(isolateB, one, 2);
			await update(isolateB, other, 2);
			const resumed = await latestRevision(isolateB, seen).openStream(session);
			await resumed.waitFor(other, 2);
			await update(isolateA, one, 3);
			await resumed.waitFor(one, 2);
			const uris = resumed.messages.map(({ params }) => params?.['uri']);
			expect(uris.filter(Boolean), stream.text + resumed.text).toEqual([other, one, other, one]);
			const all = [...ids(stream), ...ids(resumed)];
			expect(new Set(all).size).toBe(all.length);
			expect(new Set(all.map((id) => id.replace(/:\d+$/, ''))).size).toBe(1);
			resumed.destroy();
			observer?.stream.destroy();
		});

		it('L20 event-replay: replays nothing of another session for an event id of that session', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const [own, foreign] = [await isolateA.initialize(), await isolateA.initialize()];
			const stream = await latestRevision(isolateA).openStream(own);
			await stream.waitFor('id: ');
			const uri = 'test://a';
			await subscribe(isolateA, own, uri);
			await isolateA.call('update', own, { uri });
			await stream.waitFor('resources/updated');
			const foreignStream = await latestRevision(isolateB, ids(stream)[0]).openStream(foreign);
			await isolateB.call('notify', foreign, { what: 'tools' });
			await foreignStream.waitFor(TOOLS_CHANGED);
			expect(foreignStream.count('resources/updated')).toBe(0);
			expect(foreignStream.text).toMatch(/^: .*gap/m);
			stream.destroy();
			foreignStream.destroy();
		});

		it('L12 priming-event, L13 disconnect-is-not-cancellation, L20 event-replay: delivers the response of a call that continues after a disconnect to the resuming client', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const call = await latestRevision(isolateA).startCall(
				'sleep',
				session,
				{ ms: 3_000, note: 'three' },
				7,
			);
			await call.waitFor('id: call/');
			const seen = lastId(call);
			call.destroy();
			const resumed = await latestRevision(isolateB, seen).openStream(session);
			await resumed.ended;
			expect(resumed.rpcResponse).toMatchObject({ id: 7 });
			expect(lastId(resumed).replace(/:\d+$/, '')).toBe(seen.replace(/:\d+$/, ''));
		});

		it('L13 disconnect-is-not-cancellation, L20 event-replay: delivers the response of a call that finished before the client resumed, to each resume', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const call = await latestRevision(isolateA).startCall(
				'sleep',
				session,
				{ ms: WITH_IDS_MS, note: 'with-ids' },
				'seven',
			);
			await call.waitFor('id: call/');
			const seen = lastId(call);
			call.destroy();
			await pause(1_500);
			for (const endpoint of [isolateB, isolateA]) {
				const resumed = await latestRevision(endpoint, seen).openStream(session);
				await resumed.ended;
				expect(resumed.rpcResponse).toMatchObject({ id: 'seven' });
			}
		});

		it('L20 event-replay: does not let another session resume a call', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const [own, foreign] = [await isolateA.initialize(), await isolateA.initialize()];
			const call = await latestRevision(isolateA).startCall(
				'sleep',
				own,
				{ ms: 2_500, note: 'own' },
				7,
			);
			await call.waitFor('id: call/');
			const foreignStream = await latestRevision(isolateB, lastId(call)).openStream(foreign);
			await call.ended;
			expect(call.rpcResponse).toMatchObject({ id: 7 });
			await pause(300);
			// It may be told that the call is lost, which is so for this session.
			expect(foreignStream.messages.filter(({ error }) => !error)).toEqual([]);
			foreignStream.destroy();
		});

		it('L19 event-ids: sends no event ids for a call that finishes at once', async () => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			expect(await latestRevision(isolateA).call('echo', session, { text: 'hi' })).not.toContain(
				'id: ',
			);
		});
	},
	{ concurrent: true },
);
