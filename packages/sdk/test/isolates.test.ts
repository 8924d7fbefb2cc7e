import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { readNotifications, TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { connect, STATELESS, textOf } from './clients.ts';
import type { Fetch } from './clients.ts';

const NOTES = 'notes://all';
const ROUNDS = 50;

type Name = 'a' | 'b';

let workers: Workers<Name>;
const logged: string[] = [];

beforeAll(async () => {
	workers = await startWorkers({
		entry: join(import.meta.dirname, 'fixture/isolate.ts'),
		workers: ['a', 'b'],
		durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', TMCP_TASK_OBJECT: 'TaskObject' },
		onLog: (line) => void logged.push(line),
	});
});
afterAll(() => workers.stop());
beforeEach(() => void (logged.length = 0));

/** Returns a fetch that sends each request to the isolate that `choose` returns. */
function to(choose: (message: { method?: string }, request: Request) => Name): Fetch {
	return async (request) => {
		const text = request.method === 'POST' ? await request.text() : undefined;
		// Safe because the official clients send JSON-RPC messages.
		const message = text ? (JSON.parse(text) as { method?: string }) : {};
		const url = new URL(request.url);
		url.port = workers.url(choose(message, request)).port;
		return fetch(url, {
			method: request.method,
			headers: request.headers,
			body: text ?? null,
			signal: request.signal,
		});
	};
}

const mcp = (path = '/mcp'): URL => new URL(path, workers.url('a'));

/** Notifies of a list change and a resource update in isolate B. */
async function notifyInB(uri = NOTES): Promise<void> {
	const url = new URL(`/notify?uri=${encodeURIComponent(uri)}`, workers.url('b'));
	expect((await fetch(url)).status).toBe(204);
}

/** Returns a response whose stream breaks as soon as its client knows an event id. */
function cutAfterEventId(response: Response): Response {
	if (!response.body) throw new Error('expected a stream; got no body');
	const decoder = new TextDecoder();
	let text = '';
	const cutting = new TransformStream<Uint8Array, Uint8Array>({
		transform(chunk, controller) {
			controller.enqueue(chunk);
			text += decoder.decode(chunk, { stream: true });
			// Later, so that the client reads the id first.
			if (/^id: .*\n/m.test(text)) setTimeout(() => controller.error(new Error('cut off')), 50);
		},
	});
	return new Response(response.body.pipeThrough(cutting), response);
}

describe('across two isolates', () => {
	it('a session receives 50 of 50 list changes and resource updates that B raises, in order', async () => {
		const onA = await connect(
			mcp(),
			to((_message, { method }) => (method === 'GET' ? 'a' : 'b')),
		);
		const received: string[] = [];
		onA.client.setNotificationHandler(
			'notifications/tools/list_changed',
			() => void received.push('tools'),
		);
		onA.client.setNotificationHandler(
			'notifications/resources/updated',
			({ params }) => void received.push(params.uri),
		);
		await onA.client.subscribeResource({ uri: NOTES });
		for (let round = 0; round < ROUNDS / 2; round++) await notifyInB();
		for (let round = 0; round < ROUNDS / 2; round++)
			await onA.client.callTool({ name: 'announce' });
		const expected = Array.from({ length: ROUNDS }, () => ['tools', NOTES]).flat();
		await expect.poll(() => received.length).toBe(expected.length);
		expect(received).toEqual(expected);
		expect(logged).toEqual([]);
	});

	it('a subscription receives 50 of 50 list changes and resource updates that B raises, in order', async () => {
		const onA = await connect(
			mcp(),
			to(({ method }) => (method === 'subscriptions/listen' ? 'a' : 'b')),
			STATELESS,
		);
		const received: string[] = [];
		onA.client.setNotificationHandler(
			'notifications/tools/list_changed',
			() => void received.push('tools'),
		);
		onA.client.setNotificationHandler(
			'notifications/resources/updated',
			({ params }) => void received.push(params.uri),
		);
		await onA.client.listen({ toolsListChanged: true, resourceSubscriptions: [NOTES] });
		for (let round = 0; round < ROUNDS / 2; round++) await notifyInB();
		for (let round = 0; round < ROUNDS / 2; round++)
			await onA.client.callTool({ name: 'announce' });
		const expected = Array.from({ length: ROUNDS }, () => ['tools', NOTES]).flat();
		await expect.poll(() => received.length).toBe(expected.length);
		expect(received).toEqual(expected);
		expect(logged).toEqual([]);
	});

	it('a subscription of the SDK’s own handler receives 50 of 50 with createEventBus', async () => {
		const onA = await connect(
			mcp('/bare'),
			to(() => 'a'),
			STATELESS,
		);
		const received: string[] = [];
		onA.client.setNotificationHandler(
			'notifications/resources/updated',
			({ params }) => void received.push(params.uri),
		);
		await onA.client.listen({ toolsListChanged: true, resourceSubscriptions: [NOTES] });
		// Acknowledged before it is registered.
		await expect
			.poll(async () => {
				await notifyInB();
				return received.length;
			})
			.toBeGreaterThan(0);
		received.length = 0;
		for (let round = 0; round < ROUNDS; round++) await notifyInB();
		await expect.poll(() => received.length).toBeGreaterThanOrEqual(ROUNDS);
	});

	it('a stranger’s uri is neither acknowledged on A nor delivered from B', async () => {
		const withUser =
			(user: string, forward: Fetch): Fetch =>
			(request) => {
				const headers = new Headers(request.headers);
				headers.set('x-user', user);
				return forward(new Request(request, { headers }));
			};
		const uris = [NOTES, 'private:ann', 'private:bob'];
		const received: Record<string, string[]> = { ann: [], bob: [] };
		for (const user of ['ann', 'bob']) {
			const { client } = await connect(
				mcp(),
				withUser(
					user,
					to(() => 'a'),
				),
				STATELESS,
			);
			client.setNotificationHandler(
				'notifications/resources/updated',
				({ params }) => void received[user]?.push(params.uri),
			);
			const { honoredFilter } = await client.listen({ resourceSubscriptions: uris });
			expect(honoredFilter).toEqual({ resourceSubscriptions: [NOTES, `private:${user}`] });
		}
		for (const uri of ['private:bob', 'private:ann', NOTES]) await notifyInB(uri);
		await expect
			.poll(() => received)
			.toEqual({
				ann: ['private:ann', NOTES],
				bob: ['private:bob', NOTES],
			});
		const session = await connect(
			mcp(),
			withUser(
				'ann',
				to(() => 'b'),
			),
		);
		await expect(session.client.subscribeResource({ uri: 'private:bob' })).rejects.toThrow(
			'may not subscribe',
		);
	});

	it('a task of a call on A is observed, answered and read on B', async () => {
		const [a, b] = (['a', 'b'] as const).map(
			(name) => new TaskClient(() => workers.url(name), undefined, { 'x-tasks': 'yes' }),
		);
		if (!a || !b) throw new Error('expected two clients');
		const taskId = await a.start('ask');
		const notifications = { resourceSubscriptions: [NOTES], taskIds: [taskId] };
		const stream = readNotifications(await b.send('subscriptions/listen', { notifications }));
		const paramsOfNext = async (): Promise<Fields> =>
			Object((await stream.next())['params']) as Fields;
		expect(await paramsOfNext()).toMatchObject({ notifications });
		const { inputRequests } = await b.until(taskId, 'input_required');
		const [key = ''] = Object.keys(Object(inputRequests) as object);
		await b.update(taskId, { [key]: { action: 'accept', content: { sure: true } } });
		const seen: Fields[] = [];
		while (seen.at(-1)?.['status'] !== 'completed') seen.push(await paramsOfNext());
		expect(textOf(seen.at(-1)?.['result'])).toBe('accept {"sure":true}');
		await notifyInB();
		expect(await paramsOfNext()).toMatchObject({ uri: NOTES });
		await stream.stop();
		const measured = await b.ended(await a.start('measure', { as: 'number' }));
		expect(measured).toMatchObject({ result: { structuredContent: { celsius: 21 } } });
		expect(logged).toEqual([]);
	});

	it('an elicitation that A sends is answered through B', async () => {
		const isCall = ({ method }: { method?: string }): boolean => method === 'tools/call';
		const isolates: Name[] = [];
		const { client } = await connect(
			mcp(),
			to((message, { method }) => {
				const name = isCall(message) ? 'a' : 'b';
				if (method === 'POST' && message.method === undefined) isolates.push(name);
				return name;
			}),
			{ capabilities: { elicitation: {} } },
		);
		client.setRequestHandler('elicitation/create', () => ({
			action: 'accept',
			content: { sure: true },
		}));
		for (let round = 0; round < 5; round++) {
			expect(textOf(await client.callTool({ name: 'ask' }))).toBe('accept {"sure":true}');
		}
		expect(isolates).toEqual(['b', 'b', 'b', 'b', 'b']);
		expect(logged).toEqual([]);
	});

	it.each([
		['a', 'b'],
		['b', 'a'],
	] as const)(
		'an official client whose call on %s is cut off resumes it on %s',
		async (first, second) => {
			const resumed: string[] = [];
			const forward = to(({ method: called }, { method }) => {
				if (method === 'GET') return second;
				return called === 'tools/call' ? first : second;
			});
			const { client } = await connect(mcp(), async (request) => {
				const lastEventId = request.headers.get('last-event-id');
				if (lastEventId !== null) resumed.push(lastEventId);
				const isCall = request.method === 'POST' && (await request.clone().text()).includes('slow');
				const response = await forward(request);
				return isCall ? cutAfterEventId(response) : response;
			});
			const slow = { name: 'slow', arguments: { ms: 2_500 } };
			expect(textOf(await client.callTool(slow))).toBe('after 2500 ms');
			expect(resumed).toHaveLength(1);
			expect(logged).toEqual([]);
		},
	);

	it('a call that runs on A is resumed on B', async () => {
		const { transport } = await connect(
			mcp(),
			to(() => 'a'),
		);
		const headers = {
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
			'mcp-session-id': transport.sessionId ?? '',
			'mcp-protocol-version': '2025-11-25',
		};
		const params = { name: 'slow', arguments: { ms: 4_000 } };
		const body = JSON.stringify({ jsonrpc: '2.0', id: 'call', method: 'tools/call', params });
		const abort = new AbortController();
		const response = await fetch(mcp(), { method: 'POST', headers, body, signal: abort.signal });
		const reader = response.body?.getReader();
		const decoder = new TextDecoder();
		let text = '';
		while (!/^id: /m.test(text)) text += decoder.decode((await reader?.read())?.value);
		const [, lastEventId = ''] = /^id: (.*)$/m.exec(text) ?? [];
		abort.abort();
		const resumed = await fetch(new URL('/mcp', workers.url('b')), {
			headers: { ...headers, 'last-event-id': lastEventId },
		});
		expect(await resumed.text()).toContain('after 4000 ms');
	});
});
