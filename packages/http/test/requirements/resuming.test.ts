import { expect, it } from 'vitest';

import type { Endpoint, Incoming } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const REVISION = '2025-11-25';
/** A call begins to number its events after so long. */
const NUMBERED_MS = 1_600;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ids = ({ text }: Incoming): string[] =>
	[...text.matchAll(/^id: (\S+)\n/gm)].map(([, id = '']) => id);
const lastId = (incoming: Incoming): string => ids(incoming).at(-1) ?? '';

async function subscribe(endpoint: Endpoint, session: string, uri: string): Promise<void> {
	const message = { id: 1, method: 'resources/subscribe', params: { uri } };
	await (
		await endpoint.post(message, session)
	).ended;
}

/** The endpoint as a client of 2025-11-25 uses it, perhaps one that comes back. */
function recent(endpoint: Endpoint, lastEventId?: string): Endpoint {
	return endpoint.with({ 'mcp-protocol-version': REVISION, 'last-event-id': lastEventId });
}

describeEachDeployment(
	(deployment) => {
		it('L22 version-negotiation: 2025-11-25 is settled on where the client asks for it', async () => {
			const { here } = deployment.endpoint();
			for (const [asked, settled] of [
				[REVISION, REVISION],
				['2025-06-18', '2025-06-18'],
				['2099-01-01', '2025-06-18'],
			]) {
				const clientInfo = { name: 'raw', version: '1.0.0' };
				const params = { protocolVersion: asked, capabilities: {}, clientInfo };
				const answer = await here.post({ id: 0, method: 'initialize', params });
				await answer.ended;
				expect(answer.response.result).toMatchObject({ protocolVersion: settled });
			}
		});

		it('L12 priming-event: a GET stream begins with an id and how long to wait, as its client knows it', async () => {
			const { here } = deployment.endpoint();
			const session = await here.initialize();
			const stream = await recent(here).openStream(session);
			await stream.until('id: ');
			expect(stream.text).toMatch(/^id: \S+\nretry: \d+\ndata: \n\n/m);
			const older = await here.with({ 'mcp-protocol-version': '2025-06-18' }).openStream(session);
			await older.until('id: ');
			expect(older.text).toMatch(/^id: \S+\nretry: \d+\n\n/m);
			stream.destroy();
			older.destroy();
		});

		it('L19 event-ids, L20 event-replay: what was sent while a stream was down is replayed on it, once, in order', async () => {
			const { here, there } = deployment.endpoint();
			const [one, other] = deployment.ownUris;
			const listen = async (): Promise<{ session: string; stream: Incoming }> => {
				const session = await here.initialize();
				for (const uri of [one, other]) await subscribe(here, session, uri);
				const stream = await recent(here).openStream(session);
				await stream.until('id: ');
				return { session, stream };
			};
			const { session, stream } = await listen();
			// What two requests tell has no order: the next one waits until somebody has heard it.
			const witness = deployment.hasOneServer ? await listen() : undefined;
			const tell = async (endpoint: Endpoint, uri: string, times: number): Promise<void> => {
				await endpoint.call('update', session, { uri });
				await witness?.stream.until(uri, times);
			};
			await tell(here, one, 1);
			await stream.until(one);
			const seen = lastId(stream);
			stream.destroy();
			await tell(there, other, 1);
			await tell(there, one, 2);
			await tell(there, other, 2);
			const resumed = await recent(there, seen).openStream(session);
			await resumed.until(other, 2);
			await tell(here, one, 3);
			await resumed.until(one, 2);
			const told = resumed.messages.map(({ params }) => params?.['uri']);
			expect(told.filter(Boolean), stream.text + resumed.text).toEqual([other, one, other, one]);
			const all = [...ids(stream), ...ids(resumed)];
			expect(new Set(all).size).toBe(all.length);
			expect(new Set(all.map((id) => id.replace(/:\d+$/, ''))).size).toBe(1);
			resumed.destroy();
			witness?.stream.destroy();
		});

		it('L20 event-replay: nothing of another session is replayed, whose ever id is named', async () => {
			const { here, there } = deployment.endpoint();
			const [mine, foreign] = [await here.initialize(), await here.initialize()];
			const stream = await recent(here).openStream(mine);
			await stream.until('id: ');
			const uri = 'test://a';
			await subscribe(here, mine, uri);
			await here.call('update', mine, { uri });
			await stream.until('resources/updated');
			const theirs = await recent(there, ids(stream)[0]).openStream(foreign);
			await there.call('notify', foreign, { what: 'tools' });
			await theirs.until(TOOLS_CHANGED);
			expect(theirs.count('resources/updated')).toBe(0);
			expect(theirs.text).toMatch(/^: .*gap/m);
			stream.destroy();
			theirs.destroy();
		});

		it('L12 priming-event, L13 disconnect-is-not-cancellation, L20 event-replay: the answer of a call whose client was lost is fetched with the last id it saw', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const call = await recent(here).startCall('work', session, { ms: 3_000, note: 'three' }, 7);
			await call.until('id: call/');
			const seen = lastId(call);
			call.destroy();
			const resumed = await recent(there, seen).openStream(session);
			await resumed.ended;
			expect(resumed.response).toMatchObject({ id: 7 });
			expect(lastId(resumed).replace(/:\d+$/, '')).toBe(seen.replace(/:\d+$/, ''));
		});

		it('L13 disconnect-is-not-cancellation, L20 event-replay: it is there too where the call was over before the client came back', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const call = await recent(here).startCall(
				'work',
				session,
				{ ms: NUMBERED_MS, note: 'numbered' },
				'seven',
			);
			await call.until('id: call/');
			const seen = lastId(call);
			call.destroy();
			await pause(1_500);
			for (const endpoint of [there, here]) {
				const resumed = await recent(endpoint, seen).openStream(session);
				await resumed.ended;
				expect(resumed.response).toMatchObject({ id: 'seven' });
			}
		});

		it('L20 event-replay: a call is resumed by its own session alone', async () => {
			const { here, there } = deployment.endpoint();
			const [mine, foreign] = [await here.initialize(), await here.initialize()];
			const call = await recent(here).startCall('work', mine, { ms: 2_500, note: 'mine' }, 7);
			await call.until('id: call/');
			const theirs = await recent(there, lastId(call)).openStream(foreign);
			await call.ended;
			expect(call.response).toMatchObject({ id: 7 });
			await pause(300);
			expect(theirs.messages).toEqual([]);
			theirs.destroy();
		});

		it('L19 event-ids: a call that is answered at once has no ids and keeps nothing', async () => {
			const { here } = deployment.endpoint();
			const session = await here.initialize();
			expect(await recent(here).call('echo', session, { text: 'hi' })).not.toContain('id: ');
		});
	},
	{ concurrent: true },
);
