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

/** The endpoint as a client of 2025-11-25 uses it, perhaps one that comes back. */
function recent(endpoint: Endpoint, lastEventId?: string): Endpoint {
	return endpoint.with({ 'mcp-protocol-version': REVISION, 'last-event-id': lastEventId });
}

describeEachDeployment(
	(deployment) => {
		it('L22: 2025-11-25 is settled on where the client asks for it', async () => {
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

		it('L12: a GET stream begins with an id and how long to wait, as its client knows it', async () => {
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

		it('L19 L20: what was sent while a stream was down is replayed on it, once, in order', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const stream = await recent(here).openStream(session);
			await here.call('notify', session, { what: 'prompts' });
			await stream.until('prompts/list_changed');
			const seen = lastId(stream);
			stream.destroy();
			const missed = ['resources', 'prompts', 'resources'];
			// What two requests announce has no order: the next one waits until somebody has heard it.
			const witness = deployment.hasOneServer
				? await recent(here).openStream(await here.initialize())
				: undefined;
			await witness?.until('id: ');
			for (const [index, what] of missed.entries()) {
				await there.call('notify', session, { what });
				const times = missed.slice(0, index + 1).filter((each) => each === what).length;
				await witness?.until(`${what}/list_changed`, times);
			}
			witness?.destroy();
			const resumed = await recent(there, seen).openStream(session);
			await resumed.until('resources/list_changed', 2);
			await here.call('notify', session, { what: 'prompts' });
			await resumed.until('prompts/list_changed', 2);
			// Other tests of this file tell everybody that the tools changed.
			const whats = resumed.messages.map(({ method }) => method?.split('/')[1]);
			const texts = JSON.stringify({ seen, before: stream.text, after: resumed.text });
			expect(
				whats.filter((what) => what !== 'tools'),
				texts,
			).toEqual([...missed, 'prompts']);
			const all = [...ids(stream), ...ids(resumed)];
			expect(new Set(all).size).toBe(all.length);
			expect(new Set(all.map((id) => id.replace(/:\d+$/, ''))).size).toBe(1);
			resumed.destroy();
		});

		it('L20: nothing of another session is replayed, whose ever id is named', async () => {
			const { here, there } = deployment.endpoint();
			const [mine, foreign] = [await here.initialize(), await here.initialize()];
			const stream = await recent(here).openStream(mine);
			await stream.until('id: ');
			const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
			await (
				await here.post(subscribe, mine)
			).ended;
			await here.call('update', mine, { uri: 'test://a' });
			await stream.until('resources/updated');
			const theirs = await recent(there, ids(stream)[0]).openStream(foreign);
			await there.call('notify', foreign, { what: 'tools' });
			await theirs.until(TOOLS_CHANGED);
			expect(theirs.count('resources/updated')).toBe(0);
			expect(theirs.text).toMatch(/^: .*gap/m);
			stream.destroy();
			theirs.destroy();
		});

		it('L12 L13 L20: the answer of a call whose client was lost is fetched with the last id it saw', async () => {
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

		it('L13 L20: it is there too where the call was over before the client came back', async () => {
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

		it('L20: a call is resumed by its own session alone', async () => {
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

		it('L19: a call that is answered at once has no ids and keeps nothing', async () => {
			const { here } = deployment.endpoint();
			const session = await here.initialize();
			expect(await recent(here).call('echo', session, { text: 'hi' })).not.toContain('id: ');
		});
	},
	{ concurrent: true },
);
