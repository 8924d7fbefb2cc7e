import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { RawSession, startFixture } from './deployment.ts';
import type { Isolates } from './deployment.ts';
import { pause, RawStream } from './raw-stream.ts';

describe.each(workerdVersions)('workerd %s, GET and POST on different isolates', (version) => {
	let workers: Isolates;
	const log: string[] = [];

	beforeAll(async () => {
		workers = await startFixture({ version, onLog: (line) => log.push(line) });
	});
	afterAll(async () => {
		await workers.stop();
		expect(log.filter((line) => /hung|uncaught|never settle/i.test(line))).toEqual([]);
	});

	const sockets = async (): Promise<unknown> =>
		(await fetch(new URL('/sockets', workers.url('get')))).json();
	const noteOf = async (name: string): Promise<unknown> =>
		(await fetch(new URL(`/note?name=${encodeURIComponent(name)}`, workers.url('get')))).json();
	const expectNoSockets = (): Promise<void> => expect.poll(sockets, { interval: 50 }).toBe(0);

	it('sends the endpoint event first, even while changes are broadcast', async () => {
		const flood = { isOver: false };
		const flooding = (async () => {
			while (!flood.isOver) await fetch(new URL('/change', workers.url('post')));
		})();
		const sessions = await Promise.all(Array.from({ length: 20 }, () => RawSession.open(workers)));
		flood.isOver = true;
		await flooding;
		// The getter `endpoint` throws if another event was first.
		for (const { stream } of sessions) {
			expect(stream.endpoint).toMatch(/^\/messages\?sessionId=[\w.-]+$/);
			stream.destroy();
		}
		await expectNoSockets();
	});

	it('answers a message that is sent right after the endpoint event', async () => {
		const sessions = await Promise.all(
			Array.from({ length: 20 }, async () => {
				const session = await RawSession.open(workers);
				await session.call(1, 'echo', { text: 'first' });
				return session;
			}),
		);
		for (const { stream } of sessions) {
			expect(JSON.stringify(await stream.response(1))).toContain('first');
			stream.destroy();
		}
	});

	it('keeps an idle stream open, which workerd does not cancel as hung', async () => {
		const session = await RawSession.open(workers);
		await pause(2_500);
		await session.call(1, 'echo', { text: 'still here' });
		expect(JSON.stringify(await session.stream.response(1))).toContain('still here');
		session.stream.destroy();
	});

	it('accepts a message before its tool finishes, and still runs the tool to its end', async () => {
		const session = await RawSession.open(workers);
		const note = `accepted ${version}`;
		const start = Date.now();
		const { status, text } = await session.call(1, 'sleep', { ms: 1_500, note });
		expect([status, text, session.stream.messages]).toEqual([202, '', []]);
		await session.stream.response(1);
		expect(Date.now() - start).toBeGreaterThanOrEqual(1_500);
		expect(await noteOf(note)).toBe('finished');
		session.stream.destroy();
	});

	it('delivers the client response to a call of the same sequential client', async () => {
		const session = await RawSession.open(workers);
		await session.initialize({ elicitation: {} });
		expect((await session.call(1, 'elicit')).status).toBe(202);
		await session.stream.waitFor('elicitation/create');
		const elicitation = session.stream.messages.find(({ method }) => method !== undefined);
		const result = { action: 'accept', content: { sure: false } };
		expect((await session.send({ id: elicitation?.id, result })).status).toBe(202);
		expect(JSON.stringify(await session.stream.response(1))).toContain('sure: false');
		session.stream.destroy();
	});

	it("ignores a client response to another session's elicitation", async () => {
		const first = await RawSession.open(workers);
		const other = await RawSession.open(workers);
		await first.initialize({ elicitation: {} });
		await first.call(1, 'elicit');
		await first.stream.waitFor('elicitation/create');
		const elicitation = first.stream.messages.find(({ method }) => method !== undefined);
		const clientResponse = (sure: boolean): object => ({
			id: elicitation?.id,
			result: { action: 'accept', content: { sure } },
		});
		await other.send(clientResponse(false));
		// The id that tmcp itself gave the request.
		await other.send({ ...clientResponse(false), id: 1 });
		await pause(200);
		await first.send(clientResponse(true));
		expect(JSON.stringify(await first.stream.response(1))).toContain('sure: true');
		first.stream.destroy();
		other.stream.destroy();
	});

	it('delivers the progress of a call in order and before its response', async () => {
		const session = await RawSession.open(workers);
		await session.initialize();
		await session.call(1, 'count', { to: 50 });
		await session.stream.response(1);
		const progress = session.stream.messages.slice(1).map(({ params }) => params?.['progress']);
		const counted = Array.from({ length: 50 }, (_, index) => index + 1);
		expect(progress).toEqual([...counted, undefined]);
		session.stream.destroy();
	});

	it('keeps requests with the same id in two sessions apart', async () => {
		const sessions = await Promise.all([RawSession.open(workers), RawSession.open(workers)]);
		await Promise.all(sessions.map((each, index) => each.call(1, 'echo', { text: `s${index}` })));
		for (const [index, { stream }] of sessions.entries()) {
			expect(JSON.stringify(await stream.response(1))).toContain(`s${index}`);
			expect(stream.messages).toHaveLength(1);
			stream.destroy();
		}
	});

	it('delivers a change once if two transports share one server and one manager', async () => {
		const session = await RawSession.open(workers);
		await fetch(new URL('/change', workers.url('post')));
		await session.stream.waitFor('tools/list_changed');
		await pause(300);
		expect(session.stream.messages).toHaveLength(1);
		session.stream.destroy();
	});

	it('ends the session, its socket and its calls when the stream ends', async () => {
		await expectNoSockets();
		const session = await RawSession.open(workers);
		await session.initialize();
		const { endpoint } = session.stream;
		const note = `ended ${version}`;
		await session.call(1, 'sleep', { ms: 15_000, note });
		await pause(1_300); // The call has opened its inbox, which other isolates can reach.
		session.stream.destroy();
		await expectNoSockets();
		await expect.poll(() => noteOf(note)).toBe('cancelled');
		const { status, text } = await session.send({ id: 2, method: 'ping' }, { endpoint });
		expect([status, JSON.parse(text)]).toMatchObject([
			404,
			{ id: 2, error: { message: expect.stringContaining('GET /sse') } },
		]);
	});

	it('delivers to the stream right after the object has lost all sockets', async () => {
		const session = await RawSession.open(workers);
		await session.initialize();
		for (const id of [1, 2, 3]) {
			await workers.evict({ className: 'SyncLayer', webSockets: 'close' });
			expect((await session.call(id, 'identify')).status).toBe(202);
			expect(JSON.stringify(await session.stream.response(id))).toContain('raw');
		}
		session.stream.destroy();
	});

	it('loses no message if the object is evicted', async () => {
		const session = await RawSession.open(workers);
		await session.initialize();
		await workers.evict({ className: 'SyncLayer' });
		await session.call(1, 'identify');
		expect(JSON.stringify(await session.stream.response(1))).toContain('raw');
		session.stream.destroy();
	});

	it('responds 503 instead of accepting a message while the storage is down', async () => {
		const session = await RawSession.open(workers, '/faulty/sse');
		await session.initialize();
		const endpoint = `${session.stream.endpoint}&down=read`;
		const { status, headers } = await session.send({ id: 1, method: 'tools/list' }, { endpoint });
		expect([status, headers.get('retry-after')]).toEqual([503, '5']);
		expect((await session.send({ id: 2, method: 'tools/list' })).status).toBe(202);
		await session.stream.response(2);
		session.stream.destroy();
	});

	it('sends an error on the stream if initialize cannot be stored', async () => {
		const session = await RawSession.open(workers, '/faulty/sse');
		const clientInfo = { name: 'raw', version: '1' };
		const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo };
		const endpoint = `${session.stream.endpoint}&down=write`;
		await session.send({ id: 1, method: 'initialize', params }, { endpoint });
		await expect
			.poll(() => session.stream.messages)
			.toMatchObject([{ id: 1, error: { message: expect.stringContaining('storage') } }]);
		session.stream.destroy();
	});

	it('does not read the session at initialize: KV would cache its absence for a minute', async () => {
		const session = await RawSession.open(workers, '/faulty/sse');
		const clientInfo = { name: 'raw', version: '1' };
		const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo };
		const endpoint = `${session.stream.endpoint}&down=read`;
		await session.send({ id: 1, method: 'initialize', params }, { endpoint });
		expect(await session.stream.response(1)).toMatchObject({
			result: { protocolVersion: '2024-11-05' },
		});
		session.stream.destroy();
	});

	it('the published transport, for comparison, responds 500 after the tool has run, and accepts any id', async () => {
		const stream = await RawStream.open(new URL('/bare/sse', workers.url('get')));
		// Its manager's first event precedes the endpoint event, or workerd cancels the request as hung.
		await Promise.race([stream.waitFor('event: endpoint'), stream.ended]);
		const response = await fetch(
			new URL('/bare/messages?session_id=anybody', workers.url('post')),
			{
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
			},
		);
		expect([response.status, await response.text()]).toEqual([
			500,
			'SSE connection not established',
		]);
		stream.destroy();
	});
});
