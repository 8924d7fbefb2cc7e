import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Endpoint } from './endpoint.ts';

const entry = fileURLToPath(new URL('fixture/worker.ts', import.meta.url));
const TOOLS_CHANGED = 'notifications/tools/list_changed';

describe.each(workerdVersions)('on workerd %s', { timeout: 30_000 }, (version) => {
	let workers: Workers<'a' | 'b' | 'unused'>;
	let a: Endpoint;
	let b: Endpoint;
	const logged: string[] = [];

	beforeAll(async () => {
		const onLog = (line: string): void => void logged.push(line);
		workers = await startWorkers({ entry, workers: ['a', 'b', 'unused'], version, onLog });
		a = new Endpoint(workers.url('a'));
		b = new Endpoint(workers.url('b'));
	}, 30_000);
	afterAll(() => workers.stop());

	const ask = async <Json>(path: string): Promise<Json> => {
		const response = await fetch(new URL(path, workers.url('b')));
		return (await response.json()) as Json; // Sound: the fixture's own answers.
	};

	it('a change raised by a tool that returns at once arrives, however slow the store', async () => {
		const slow = new Endpoint(workers.url('b'), '/slow');
		const session = await a.initialize();
		await (
			await a.post({ id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } }, session)
		).ended;
		const stream = await a.openStream(session);
		for (let times = 0; times < 5; times++) await slow.call('update', session);
		await stream.until('notifications/resources/updated', 5);
		await slow.call('notify', session);
		await stream.until(TOOLS_CHANGED);
		expect(stream.count('notifications/resources/updated')).toBe(5);
		stream.destroy();
	});

	it('a change raised outside of MCP, in an isolate that served nothing yet, arrives', async () => {
		const session = await a.initialize();
		const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
		await (
			await a.post(subscribe, session)
		).ended;
		const stream = await a.openStream(session);
		await fetch(new URL('/change', workers.url('unused')));
		await Promise.all([
			stream.until(TOOLS_CHANGED),
			stream.until('notifications/resources/updated'),
		]);
		expect(stream.count(TOOLS_CHANGED)).toBe(1);
		stream.destroy();
	});

	it('work behind a 202 finishes: an answer reaches its question through a slow store', async () => {
		const slow = new Endpoint(workers.url('a'), '/slow');
		const session = await slow.initialize();
		const asking = await slow.post(
			{ id: 7, method: 'tools/call', params: { name: 'ask' } },
			session,
		);
		await asking.until('elicitation/create');
		const { id } = questionIn(asking.text);
		const result = { action: 'accept', content: { sure: true } };
		const answer = await slow.post({ id, result }, session);
		expect(answer.status).toBe(202);
		await answer.ended;
		expect(answer.text).toBe('');
		await asking.until('sure: true');
	});

	it('a call that waits for another request is not ended as hung', async () => {
		const session = await a.initialize();
		const asking = await a.post({ id: 7, method: 'tools/call', params: { name: 'ask' } }, session);
		await asking.until('elicitation/create');
		await asking.until(': keep-alive', 6);
		const { id } = questionIn(asking.text);
		await a.post({ id, result: { action: 'decline' } }, session);
		await asking.ended;
		expect(asking.text).toContain('decline');
	});

	it('an answer to initialize is held back until the session is stored', async () => {
		const session = await new Endpoint(workers.url('a'), '/slow').initialize();
		expect(await b.call('who', session)).toContain('"raw"');
	});

	it('register before broadcast: what is raised right after the headers of a stream arrives', async () => {
		for (let round = 0; round < 20; round++) {
			const session = await a.initialize();
			const stream = await a.openStream(session);
			await b.call('notify', session);
			await stream.until(TOOLS_CHANGED);
			expect(stream.count(TOOLS_CHANGED)).toBe(1);
			stream.destroy();
		}
	});

	it('M6 subscription-delivery: what is raised right after an acknowledgement arrives', async () => {
		const session = await b.initialize();
		for (let round = 0; round < 20; round++) {
			const listener = await listen(a);
			await listener.until('subscriptions/acknowledged');
			await b.call('notify', session);
			await listener.until(TOOLS_CHANGED);
			expect(listener.text.indexOf('acknowledged')).toBeLessThan(
				listener.text.indexOf(TOOLS_CHANGED),
			);
			listener.destroy();
		}
	});

	it('M9 keep-alive: streams carry keep-alives, and stay open between messages', async () => {
		const session = await a.initialize();
		const [stream, listener] = [await a.openStream(session), await listen(a)];
		for (const open of [stream, listener]) {
			await open.until(': keep-alive', 4);
			expect(open.headers['x-accel-buffering']).toBe('no');
		}
		await b.call('notify', session);
		await Promise.all([stream.until(TOOLS_CHANGED), listener.until(TOOLS_CHANGED)]);
		stream.destroy();
		listener.destroy();
	});

	it('streams of clients that went away are not left behind', async () => {
		await expect.poll(() => ask<number>('/sockets'), { timeout: 10_000 }).toBe(0);
		const session = await a.initialize();
		const open = [await a.openStream(session), await a.openStream(session), await listen(a)];
		expect(await ask<number>('/sockets')).toBe(3);
		for (const stream of open) stream.destroy();
		await expect.poll(() => ask<number>('/sockets'), { timeout: 10_000 }).toBe(0);
	});

	it('L15 stream-takeover: after a stream was destroyed without a goodbye the next GET is a 200 at once', async () => {
		const session = await a.initialize();
		const lost = await a.openStream(session);
		lost.destroy();
		const next = await a.openStream(session);
		expect(next.status).toBe(200);
		await b.call('notify', session);
		await next.until(TOOLS_CHANGED);
		next.destroy();
	});

	it('L13 disconnect-is-not-cancellation: a client that drops its connection has not cancelled its call', async () => {
		const session = await a.initialize();
		const note = crypto.randomUUID();
		const args = { ms: 1_500, note };
		const params = { name: 'work', arguments: args, _meta: { progressToken: 1 } };
		const call = await a.post({ id: 1, method: 'tools/call', params }, session);
		await call.until('"half"');
		call.destroy();
		await expect
			.poll(() => ask<string | null>(`/finished?name=${note}`), { timeout: 10_000 })
			.toBe('finished');
	});

	it('L13 disconnect-is-not-cancellation: a call whose client left while the user is asked takes the answer all the same', async () => {
		const session = await a.initialize();
		const note = crypto.randomUUID();
		const params = { name: 'confirm', arguments: { note } };
		const asking = await a.post({ id: 7, method: 'tools/call', params }, session);
		await asking.until('elicitation/create');
		asking.destroy();
		// Long enough for the heartbeat to find that the client has left, and for workerd to call it hung.
		await new Promise((resolve) => setTimeout(resolve, 2_000));
		const { id } = questionIn(asking.text);
		const result = { action: 'accept', content: { sure: true } };
		expect((await a.post({ id, result }, session)).status).toBe(202);
		await expect
			.poll(() => ask<string | null>(`/finished?name=${note}`), { timeout: 10_000 })
			.toBe('accept');
	});

	it('an answer that takes its time is streamed, one that is complete at once is not', async () => {
		const session = await a.initialize();
		const params = { name: 'who', arguments: {} };
		const whole = await a.post({ id: 1, method: 'tools/call', params }, session);
		await whole.ended;
		expect(whole.headers['content-length']).toBe(String(whole.text.length));
		const args = { ms: 400, note: crypto.randomUUID() };
		const call = { name: 'work', arguments: args, _meta: { progressToken: 1 } };
		const streamed = await a.post({ id: 2, method: 'tools/call', params: call }, session);
		expect(streamed.headers['content-length']).toBeUndefined();
		await streamed.until('"half"');
		expect(streamed.text).not.toContain('finished');
		await streamed.until('finished');
	});

	it('nothing was dropped, hung or left unhandled meanwhile', () => {
		expect(logged).toEqual([]);
	});
});

function listen(endpoint: Endpoint): ReturnType<Endpoint['post']> {
	const params = { notifications: { toolsListChanged: true } };
	return endpoint.postStateless({ id: 'listener', method: 'subscriptions/listen', params });
}

/** The server's question in the first frame of an answer. */
function questionIn(frames: string): { id: number } {
	const data = /^data: (.*)$/m.exec(frames)?.[1] ?? '';
	return JSON.parse(data) as { id: number }; // Sound: the caller has seen the frame of a request.
}
