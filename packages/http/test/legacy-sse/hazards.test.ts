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
	const nothingIsOpen = (): Promise<void> =>
		expect.poll(sockets, { timeout: 10_000, interval: 50 }).toBe(0);

	it('the endpoint event is the first, also while changes are broadcast', async () => {
		const flood = { isOver: false };
		const flooding = (async () => {
			while (!flood.isOver) await fetch(new URL('/change', workers.url('post')));
		})();
		const sessions = await Promise.all(Array.from({ length: 20 }, () => RawSession.open(workers)));
		flood.isOver = true;
		await flooding;
		// `endpoint` fails where it is not the first.
		for (const { stream } of sessions) {
			expect(stream.endpoint).toMatch(/^\/messages\?sessionId=[\w.-]+$/);
			stream.destroy();
		}
		await nothingIsOpen();
	});

	it('a message that is sent as soon as the endpoint is known is answered', async () => {
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

	it('a stream that nothing happens on is not ended as hung', async () => {
		const session = await RawSession.open(workers);
		await pause(2_500);
		await session.call(1, 'echo', { text: 'still here' });
		expect(JSON.stringify(await session.stream.response(1))).toContain('still here');
		session.stream.destroy();
	});

	it('a message is accepted before its tool is through, and its work is not dropped', async () => {
		const session = await RawSession.open(workers);
		const note = `accepted ${version}`;
		const start = Date.now();
		const { status, text } = await session.call(1, 'work', { ms: 1_500, note });
		expect([status, text, session.stream.messages]).toEqual([202, '', []]);
		await session.stream.response(1);
		expect(Date.now() - start).toBeGreaterThanOrEqual(1_500);
		expect(await noteOf(note)).toBe('finished');
		session.stream.destroy();
	});

	it('a client that sends one message after the other answers the question of its own call', async () => {
		const session = await RawSession.open(workers);
		await session.initialize({ elicitation: {} });
		expect((await session.call(1, 'ask')).status).toBe(202);
		await session.stream.until('elicitation/create');
		const question = session.stream.messages.find(({ method }) => method !== undefined);
		const result = { action: 'accept', content: { sure: false } };
		expect((await session.send({ id: question?.id, result })).status).toBe(202);
		expect(JSON.stringify(await session.stream.response(1))).toContain('sure: false');
		session.stream.destroy();
	});

	it("nobody answers the question of somebody else's session", async () => {
		const asked = await RawSession.open(workers);
		const other = await RawSession.open(workers);
		await asked.initialize({ elicitation: {} });
		await asked.call(1, 'ask');
		await asked.stream.until('elicitation/create');
		const question = asked.stream.messages.find(({ method }) => method !== undefined);
		const answer = (sure: boolean): object => ({
			id: question?.id,
			result: { action: 'accept', content: { sure } },
		});
		await other.send(answer(false));
		// As tmcp numbers it itself.
		await other.send({ ...answer(false), id: 1 });
		await pause(200);
		await asked.send(answer(true));
		expect(JSON.stringify(await asked.stream.response(1))).toContain('sure: true');
		asked.stream.destroy();
		other.stream.destroy();
	});

	it('what a call says comes in its order, and all of it before the answer', async () => {
		const session = await RawSession.open(workers);
		await session.initialize();
		await session.call(1, 'count', { to: 50 });
		await session.stream.response(1);
		const said = session.stream.messages.slice(1).map(({ params }) => params?.['progress']);
		const counted = Array.from({ length: 50 }, (_, index) => index + 1);
		expect(said).toEqual([...counted, undefined]);
		session.stream.destroy();
	});

	it('requests with the same id in two sessions are answered to their own', async () => {
		const sessions = await Promise.all([RawSession.open(workers), RawSession.open(workers)]);
		await Promise.all(sessions.map((each, index) => each.call(1, 'echo', { text: `s${index}` })));
		for (const [index, { stream }] of sessions.entries()) {
			expect(JSON.stringify(await stream.response(1))).toContain(`s${index}`);
			expect(stream.messages).toHaveLength(1);
			stream.destroy();
		}
	});

	it('a change is told once, by two transports over one server and one manager', async () => {
		const session = await RawSession.open(workers);
		await fetch(new URL('/change', workers.url('post')));
		await session.stream.until('tools/list_changed');
		await pause(300);
		expect(session.stream.messages).toHaveLength(1);
		session.stream.destroy();
	});

	it('the end of the stream ends the session, its socket and its calls', async () => {
		await nothingIsOpen();
		const session = await RawSession.open(workers);
		await session.initialize();
		const { endpoint } = session.stream;
		const note = `ended ${version}`;
		await session.call(1, 'work', { ms: 15_000, note });
		await pause(1_300); // From then on it is reached from everywhere.
		session.stream.destroy();
		await nothingIsOpen();
		await expect.poll(() => noteOf(note), { timeout: 5_000 }).toBe('cancelled');
		const { status, text } = await session.send({ id: 2, method: 'ping' }, { endpoint });
		expect([status, JSON.parse(text)]).toMatchObject([
			404,
			{ id: 2, error: { message: expect.stringContaining('GET /sse') } },
		]);
	});

	it('a message finds its stream although the object has just lost all sockets', async () => {
		const session = await RawSession.open(workers);
		await session.initialize();
		for (const id of [1, 2, 3]) {
			await workers.evict({ className: 'SyncLayer', webSockets: 'close' });
			expect((await session.call(id, 'who')).status).toBe(202);
			expect(JSON.stringify(await session.stream.response(id))).toContain('raw');
		}
		session.stream.destroy();
	});

	it('an object that has left memory is no reason to lose anything', async () => {
		const session = await RawSession.open(workers);
		await session.initialize();
		await workers.evict({ className: 'SyncLayer' });
		await session.call(1, 'who');
		expect(JSON.stringify(await session.stream.response(1))).toContain('raw');
		session.stream.destroy();
	});

	it('storage that is down is a 503 before the message is accepted', async () => {
		const session = await RawSession.open(workers, '/faulty/sse');
		await session.initialize();
		const endpoint = `${session.stream.endpoint}&down=read`;
		const { status, headers } = await session.send({ id: 1, method: 'tools/list' }, { endpoint });
		expect([status, headers.get('retry-after')]).toEqual([503, '5']);
		expect((await session.send({ id: 2, method: 'tools/list' })).status).toBe(202);
		await session.stream.response(2);
		session.stream.destroy();
	});

	it('storage that is down when a client says hello makes an error on its stream', async () => {
		const session = await RawSession.open(workers, '/faulty/sse');
		const clientInfo = { name: 'raw', version: '1' };
		const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo };
		const endpoint = `${session.stream.endpoint}&down=write`;
		await session.send({ id: 1, method: 'initialize', params }, { endpoint });
		await expect
			.poll(() => session.stream.messages, { timeout: 5_000 })
			.toMatchObject([{ id: 1, error: { message: expect.stringContaining('storage') } }]);
		session.stream.destroy();
	});

	it('a client that says hello is not looked up, which would keep it unknown for a minute', async () => {
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

	it('as published, the transport answers with a 500 after the work, and takes any id', async () => {
		const stream = await RawStream.open(new URL('/bare/sse', workers.url('get')));
		// What its manager begins a stream with comes first, or nothing at all: hung.
		await Promise.race([stream.until('event: endpoint'), stream.ended]);
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
