import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Endpoint } from './endpoint.ts';

const entry = fileURLToPath(new URL('fixture/worker.ts', import.meta.url));
const TOOLS_CHANGED = 'notifications/tools/list_changed';

describe.each(workerdVersions)('on workerd %s', { timeout: 30_000 }, (version) => {
	let workers: Workers<'a' | 'b' | 'unused'>;
	let isolateA: Endpoint;
	let isolateB: Endpoint;
	const logged: string[] = [];

	beforeAll(async () => {
		const onLog = (line: string): void => void logged.push(line);
		workers = await startWorkers({ entry, workers: ['a', 'b', 'unused'], version, onLog });
		isolateA = new Endpoint(workers.url('a'));
		isolateB = new Endpoint(workers.url('b'));
	}, 30_000);
	afterAll(() => workers.stop());

	const fetchJson = async <Json>(path: string): Promise<Json> => {
		const response = await fetch(new URL(path, workers.url('b')));
		return (await response.json()) as Json; // Safe because each caller names the type that the fixture returns.
	};

	it('delivers a change of a tool that returns at once, despite a slow store', async () => {
		const slow = new Endpoint(workers.url('b'), '/slow');
		const session = await isolateA.initialize();
		await (
			await isolateA.post(
				{ id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } },
				session,
			)
		).ended;
		const stream = await isolateA.openStream(session);
		for (let times = 0; times < 5; times++) await slow.call('update', session);
		await stream.waitFor('notifications/resources/updated', 5);
		await slow.call('notify', session);
		await stream.waitFor(TOOLS_CHANGED);
		expect(stream.count('notifications/resources/updated')).toBe(5);
		stream.destroy();
	});

	it('delivers a change made outside of MCP, in an isolate that has served no MCP request', async () => {
		const session = await isolateA.initialize();
		const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
		await (
			await isolateA.post(subscribe, session)
		).ended;
		const stream = await isolateA.openStream(session);
		await fetch(new URL('/change', workers.url('unused')));
		await Promise.all([
			stream.waitFor(TOOLS_CHANGED),
			stream.waitFor('notifications/resources/updated'),
		]);
		expect(stream.count(TOOLS_CHANGED)).toBe(1);
		stream.destroy();
	});

	it('routes a client response after its 202 was sent, despite a slow store', async () => {
		const slow = new Endpoint(workers.url('a'), '/slow');
		const session = await slow.initialize();
		const call = await slow.post(
			{ id: 7, method: 'tools/call', params: { name: 'elicit' } },
			session,
		);
		await call.waitFor('elicitation/create');
		const { id } = serverRequestIn(call.text);
		const result = { action: 'accept', content: { sure: true } };
		const response = await slow.post({ id, result }, session);
		expect(response.status).toBe(202);
		await response.ended;
		expect(response.text).toBe('');
		await call.waitFor('sure: true');
	});

	it('keeps a call alive that waits for another request, which workerd could cancel as hung', async () => {
		const session = await isolateA.initialize();
		const call = await isolateA.post(
			{ id: 7, method: 'tools/call', params: { name: 'elicit' } },
			session,
		);
		await call.waitFor('elicitation/create');
		await call.waitFor(': keep-alive', 6);
		const { id } = serverRequestIn(call.text);
		await isolateA.post({ id, result: { action: 'decline' } }, session);
		await call.ended;
		expect(call.text).toContain('decline');
	});

	it('stores a session before it answers initialize', async () => {
		const session = await new Endpoint(workers.url('a'), '/slow').initialize();
		expect(await isolateB.call('identify', session)).toContain('"raw"');
	});

	it('delivers a change that is made right after the headers of a stream', async () => {
		for (let round = 0; round < 20; round++) {
			const session = await isolateA.initialize();
			const stream = await isolateA.openStream(session);
			await isolateB.call('notify', session);
			await stream.waitFor(TOOLS_CHANGED);
			expect(stream.count(TOOLS_CHANGED)).toBe(1);
			stream.destroy();
		}
	});

	it('M6 subscription-delivery: delivers a change that is made right after the acknowledgment', async () => {
		const session = await isolateB.initialize();
		for (let round = 0; round < 20; round++) {
			const subscription = await openSubscription(isolateA);
			await subscription.waitFor('subscriptions/acknowledged');
			await isolateB.call('notify', session);
			await subscription.waitFor(TOOLS_CHANGED);
			expect(subscription.text.indexOf('acknowledged')).toBeLessThan(
				subscription.text.indexOf(TOOLS_CHANGED),
			);
			subscription.destroy();
		}
	});

	it('M9 keep-alive: sends keep-alives on idle streams and delivers messages after them', async () => {
		const session = await isolateA.initialize();
		const [stream, subscription] = [
			await isolateA.openStream(session),
			await openSubscription(isolateA),
		];
		for (const open of [stream, subscription]) {
			await open.waitFor(': keep-alive', 4);
			expect(open.headers['x-accel-buffering']).toBe('no');
		}
		await isolateB.call('notify', session);
		await Promise.all([stream.waitFor(TOOLS_CHANGED), subscription.waitFor(TOOLS_CHANGED)]);
		stream.destroy();
		subscription.destroy();
	});

	it('closes the sockets of streams whose clients disconnected', async () => {
		await expect.poll(() => fetchJson<number>('/sockets')).toBe(0);
		const session = await isolateA.initialize();
		const open = [
			await isolateA.openStream(session),
			await isolateA.openStream(session),
			await openSubscription(isolateA),
		];
		expect(await fetchJson<number>('/sockets')).toBe(3);
		for (const stream of open) stream.destroy();
		await expect.poll(() => fetchJson<number>('/sockets')).toBe(0);
	});

	it('L15 stream-takeover: serves a GET at once after the connection of the previous stream was reset', async () => {
		const session = await isolateA.initialize();
		const lost = await isolateA.openStream(session);
		lost.destroy();
		const next = await isolateA.openStream(session);
		expect(next.status).toBe(200);
		await isolateB.call('notify', session);
		await next.waitFor(TOOLS_CHANGED);
		next.destroy();
	});

	it('L13 disconnect-is-not-cancellation: finishes a call whose client dropped the connection', async () => {
		const session = await isolateA.initialize();
		const note = crypto.randomUUID();
		const args = { ms: 1_500, note };
		const params = { name: 'sleep', arguments: args, _meta: { progressToken: 1 } };
		const call = await isolateA.post({ id: 1, method: 'tools/call', params }, session);
		await call.waitFor('"half"');
		call.destroy();
		await expect.poll(() => fetchJson<string | null>(`/finished?name=${note}`)).toBe('finished');
	});

	it('L13 disconnect-is-not-cancellation: delivers a client response to a call whose client disconnected during an elicitation', async () => {
		const session = await isolateA.initialize();
		const note = crypto.randomUUID();
		const params = { name: 'confirm', arguments: { note } };
		const call = await isolateA.post({ id: 7, method: 'tools/call', params }, session);
		await call.waitFor('elicitation/create');
		call.destroy();
		// Long enough for a keep-alive to detect the disconnect, and for workerd to cancel a hung request.
		await new Promise((resolve) => setTimeout(resolve, 2_000));
		const { id } = serverRequestIn(call.text);
		const result = { action: 'accept', content: { sure: true } };
		expect((await isolateA.post({ id, result }, session)).status).toBe(202);
		await expect.poll(() => fetchJson<string | null>(`/finished?name=${note}`)).toBe('accept');
	});

	it('streams the response of a slow call, but not one that completes at once', async () => {
		const session = await isolateA.initialize();
		const params = { name: 'identify', arguments: {} };
		const whole = await isolateA.post({ id: 1, method: 'tools/call', params }, session);
		await whole.ended;
		expect(whole.headers['content-length']).toBe(String(whole.text.length));
		const args = { ms: 400, note: crypto.randomUUID() };
		const sleep = { name: 'sleep', arguments: args, _meta: { progressToken: 1 } };
		const streamed = await isolateA.post({ id: 2, method: 'tools/call', params: sleep }, session);
		expect(streamed.headers['content-length']).toBeUndefined();
		await streamed.waitFor('"half"');
		expect(streamed.text).not.toContain('finished');
		await streamed.waitFor('finished');
	});

	it('logs nothing', () => {
		expect(logged).toEqual([]);
	});
});

function openSubscription(endpoint: Endpoint): ReturnType<Endpoint['post']> {
	const params = { notifications: { toolsListChanged: true } };
	return endpoint.postStateless({ id: 'subscription', method: 'subscriptions/listen', params });
}

/** Returns the server request in the first event. */
function serverRequestIn(frames: string): { id: number } {
	const data = /^data: (.*)$/m.exec(frames)?.[1] ?? '';
	return JSON.parse(data) as { id: number }; // Safe because the caller has waited for a server request.
}
