import { SessionTaskClient } from '@tmcp-sessions/testkit/session-task-client';
import { readNotifications, TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { checkHybrid, ERAS } from '../client/check.ts';
import { signRequest } from '../src/hybrid/edge-signature.ts';
import { connect, textOf } from './connect.ts';
import type { Connected, Era } from './connect.ts';
import { deploy } from './deployment.ts';
import type { Deployment } from './deployment.ts';

const ADA = { authorization: 'Bearer ada-token' };
const JSON_HEADERS = {
	...ADA,
	'content-type': 'application/json',
	accept: 'application/json, text/event-stream',
};
const TOOLS = ['count_words', 'note_add', 'note_save', 'note_clear', 'print'];
const ROUNDS = 10;
/** What Node.js shows of how a body was sent. */
const FRAMING = new Set(['content-length', 'transfer-encoding']);
const eras = Object.keys(ERAS) as Era[];

let deployment: Deployment;
beforeAll(async () => {
	deployment = await deploy();
});
afterAll(() => deployment.stop());
afterEach(() => void (deployment.logged.length = 0));

const edge = (): URL => deployment.url('edge');

/** Sends the requests of these methods, or without one, to the other edge. */
function toOtherEdge(...methods: (string | undefined)[]) {
	return async (request: Request): Promise<Response> => {
		const text = request.method === 'POST' ? await request.clone().text() : '{}';
		const { method } = JSON.parse(text) as { method?: string };
		const isOther = request.method === 'POST' && methods.includes(method);
		return fetch(isOther ? new Request(deployment.url('otherEdge'), request) : request);
	};
}

async function namesOf({ client }: Connected): Promise<string[]> {
	return (await client.listTools()).tools.map(({ name }) => name);
}

describe.each(eras)('a %s client', (era) => {
	it('passes the checks of the README', async () => {
		const checks = await checkHybrid(edge(), era);
		expect(checks.filter(({ passed }) => !passed)).toEqual([]);
		expect(checks).toHaveLength(6);
	});

	it('lists the tools and resources of both, with the pages of the origin', async () => {
		const ada = await connect(edge(), era);
		expect(await namesOf(ada)).toEqual(TOOLS);
		await ada.client.callTool({ name: 'note_clear' });
		for (const text of ['milk', 'eggs', 'bread']) {
			await ada.client.callTool({ name: 'note_add', arguments: { text } });
		}
		const { resources, nextCursor } = await ada.client.listResources({ cursor: 'edge:' });
		expect(resources).toMatchObject([{ name: 'milk' }, { name: 'eggs' }]);
		expect(nextCursor).toBe('origin:2');
		const rest = await ada.client.listResources({ cursor: nextCursor });
		expect(rest).toMatchObject({ resources: [{ name: 'bread', uri: 'note://3' }] });
		expect(rest.nextCursor).toBeUndefined();
		const { contents } = await ada.client.readResource({ uri: 'note://3' });
		expect(contents).toMatchObject([{ text: 'bread' }]);
		const { resourceTemplates } = await ada.client.listResourceTemplates();
		expect(resourceTemplates).toMatchObject([{ uriTemplate: 'note://{id}' }]);
		expect(deployment.logged).toEqual([]);
	});

	it('cannot tell which Worker answers: headers, ids and results have the same form', async () => {
		const { client, responses } = await connect(edge(), era);
		const answers = [];
		for (const name of ['count_words', 'note_add']) {
			const result = await client.callTool({ name, arguments: { text: 'one two' } });
			const response = responses.findLast(({ url }) => url === edge().href);
			const headers = [...(response?.headers ?? [])].filter(([key]) => !FRAMING.has(key));
			answers.push({ status: response?.status, headers, keys: Object.keys(result).toSorted() });
		}
		expect(answers[1]).toEqual(answers[0]);
		const failures = [];
		for (const name of ['other', 'note_other']) {
			const outcome = await client.callTool({ name }).then(
				(result) => JSON.stringify(result),
				(error: unknown) => String(error),
			);
			failures.push(outcome.replace(name, 'NAME'));
		}
		expect(failures[1]).toBe(failures[0]);
		expect(failures[0]).toContain('NAME');
	});

	it('answers an elicitation of the origin through another edge', async () => {
		const { client, questions } = await connect(edge(), era, toOtherEdge(undefined));
		const call = { name: 'note_clear' };
		for (let round = 0; round < 3; round += 1) {
			expect(textOf(await client.callTool(call))).toBe('removed');
		}
		expect(questions).toEqual(Array.from({ length: 3 }, () => 'Remove all notes?'));
		expect(deployment.logged).toEqual([]);
	});

	it('gets the progress of the origin, in order, before the response', async () => {
		const { client } = await connect(edge(), era);
		const seen: unknown[] = [];
		const result = await client.callTool(
			{ name: 'note_save', arguments: { copies: 4 } },
			{ onprogress: ({ progress }) => void seen.push(progress) },
		);
		seen.push(textOf(result));
		expect(seen).toEqual([1, 2, 3, 4, 'saved 4 copies']);
	});

	it('cancels a call of the origin', async () => {
		const cancelled = toOtherEdge('notifications/cancelled');
		const { client } = await connect(edge(), era, cancelled);
		await client.callTool({ name: 'note_clear' });
		const abort = new AbortController();
		const call = client.callTool(
			{ name: 'note_save', arguments: { copies: 50 } },
			{ signal: abort.signal, onprogress: () => abort.abort() },
		);
		await expect(call).rejects.toThrow('aborted');
		// The tool adds a note of it.
		await expect
			.poll(async () => (await client.listResources()).resources)
			.toMatchObject([{ name: 'cancelled' }]);
	});

	it('gets each update and list change that the origin raises, in order', async () => {
		const { client } = await connect(edge(), era);
		const seen: string[] = [];
		client.setNotificationHandler('notifications/resources/list_changed', () => {
			seen.push('list');
		});
		client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
			seen.push(params.uri);
		});
		const uri = 'note://latest';
		if (era === 'stateless') {
			await client.listen({ resourcesListChanged: true, resourceSubscriptions: [uri] });
		} else await client.subscribeResource({ uri });
		const other = await connect(deployment.url('otherEdge'), era);
		for (let round = 0; round < ROUNDS; round += 1) {
			await other.client.callTool({ name: 'note_add', arguments: { text: 'tea' } });
		}
		const expected = Array.from({ length: ROUNDS }, () => ['list', uri]).flat();
		await expect.poll(() => seen).toEqual(expected);
		expect(deployment.logged).toEqual([]);
	});

	it('still has the tools of the edge while the origin is down, and those of both later', async () => {
		const ada = await connect(edge(), era);
		for (const kind of ['broken', 'not MCP'] as const) {
			await deployment.replaceOrigin(kind);
			const { client } = ada.reconnect(edge());
			const counted = await client.callTool({ name: 'count_words', arguments: { text: 'a b' } });
			expect(textOf(counted)).toBe('2');
			expect(await namesOf(ada)).toEqual(['count_words']);
			await expect(
				client.callTool({ name: 'note_add', arguments: { text: 'tea' } }),
			).rejects.toThrow('cannot be reached; try again later');
			expect(ada.responses.at(-1)).toMatchObject({ status: 503 });
			await expect(client.listResources()).rejects.toThrow('cannot be reached');
			const bob = await connect(edge(), era, fetch, 'bob-token');
			expect(await namesOf(bob)).toEqual(['count_words']);
		}
		await deployment.replaceOrigin('as deployed');
		ada.reconnect(edge());
		expect(await namesOf(ada)).toEqual(TOOLS);
		const call = { name: 'note_add', arguments: { text: 'tea' } };
		expect(textOf(await ada.client.callTool(call))).toMatch(/^note:/);
	});
});

/** A call of the origin that takes two seconds, and its progress. */
const SAVE = {
	name: 'note_save',
	arguments: { copies: 10 },
	_meta: { progressToken: 'save' },
};

it('resumes a call that was cut off on its way through the edge', async () => {
	const { transport } = await connect(edge(), 'session-based');
	const headers = {
		...JSON_HEADERS,
		'mcp-session-id': transport.sessionId ?? '',
		'mcp-protocol-version': '2025-11-25',
	};
	const body = JSON.stringify({ jsonrpc: '2.0', id: 'save', method: 'tools/call', params: SAVE });
	const abort = new AbortController();
	const { signal } = abort;
	const response = await fetch(edge(), { method: 'POST', headers, body, signal });
	const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
	let text = '';
	while (!/^id: /m.test(text)) text += (await reader?.read())?.value ?? '';
	abort.abort();
	const lastEventId = [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
	const resumed = await fetch(deployment.url('otherEdge'), {
		headers: { ...headers, 'last-event-id': lastEventId },
	});
	text += await resumed.text();
	const progress = [...text.matchAll(/"progress":(\d+)/g)].map(([, count]) => Number(count));
	expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
	expect(text.match(/saved 10 copies/g)).toHaveLength(1);
	expect(deployment.logged).toEqual([]);
});

describe('a task of the origin', () => {
	const answer = { action: 'accept', content: { sure: true } };

	it('is polled, observed and answered at the other edge by a stateless client', async () => {
		const [here, there] = (['edge', 'otherEdge'] as const).map(
			(name) => new TaskClient(() => deployment.url(name), undefined, ADA),
		);
		if (!here || !there) throw new Error('expected two clients');
		const { result: discovered } = await here.request('server/discover', {});
		expect(discovered).toMatchObject({
			capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } },
		});
		const taskId = await here.start('print', { copies: 3 });
		const notifications = { taskIds: [taskId], resourceSubscriptions: ['note://latest'] };
		const stream = readNotifications(await there.send('subscriptions/listen', { notifications }));
		const paramsOfNext = async (): Promise<Fields> =>
			Object((await stream.next())['params']) as Fields;
		expect(await paramsOfNext()).toMatchObject({ notifications });
		const { inputRequests } = await there.until(taskId, 'input_required');
		const [key = ''] = Object.keys(Object(inputRequests) as object);
		await there.update(taskId, { [key]: answer });
		let seen: Fields = {};
		while (seen['status'] !== 'completed') seen = await paramsOfNext();
		expect(textOf(seen['result'])).toBe('printed 3 copies');
		expect(textOf((await here.ended(taskId))['result'])).toBe('printed 3 copies');
		await stream.stop();
		const bob = new TaskClient(() => edge(), undefined, { authorization: 'Bearer bob-token' });
		expect((await bob.get(taskId)).error).toMatchObject({ code: -32602 });
		expect(deployment.logged).toEqual([]);
	});

	it('is cancelled at the other edge', async () => {
		const here = new TaskClient(() => edge(), undefined, ADA);
		const there = new TaskClient(() => deployment.url('otherEdge'), undefined, ADA);
		const taskId = await here.start('print', { copies: 3 });
		await there.until(taskId, 'input_required');
		await there.cancel(taskId);
		expect(await here.ended(taskId)).toMatchObject({ status: 'cancelled' });
	});

	it('runs for a session of 2025-11-25, whose tasks/result asks at the other edge', async () => {
		const client = await SessionTaskClient.open(edge, { headers: ADA });
		expect(client.initialized['capabilities']).toMatchObject({ tasks: { list: {}, cancel: {} } });
		const { tools } = (await client.request('tools/list')).result;
		expect(tools).toContainEqual(
			expect.objectContaining({ name: 'print', execution: { taskSupport: 'optional' } }),
		);
		const { taskId } = await client.start('print', { copies: 2 });
		const there = client.at(() => deployment.url('otherEdge'));
		const stream = await there.send('tasks/result', { taskId });
		let message = await stream.next();
		while (message['method'] !== 'elicitation/create') message = await stream.next();
		await client.respond(message['id'], { result: answer });
		while (!message['result']) message = await stream.next();
		expect(textOf(message['result'])).toBe('printed 2 copies');
		expect((await client.request('tasks/list')).result).toMatchObject({ tasks: [{ taskId }] });
		expect(deployment.logged).toEqual([]);
	});
});

describe('the origin', () => {
	const body = JSON.stringify({
		jsonrpc: '2.0',
		id: 1,
		method: 'initialize',
		params: {
			protocolVersion: '2025-11-25',
			capabilities: {},
			clientInfo: { name: 'visitor', version: '1.0.0' },
		},
	});
	const caller = { token: 'secret', clientId: 'ada', scopes: [] };
	const request = (): Request =>
		new Request(deployment.url('origin'), { method: 'POST', headers: JSON_HEADERS, body });
	const sign = (keys = deployment.secrets.EDGE_KEYS): Request =>
		signRequest(request(), body, caller, keys);
	const statusOf = async (sent: Request): Promise<number> => (await fetch(sent)).status;

	it('accepts what an edge has signed, also with a key that is about to be replaced', async () => {
		expect(await statusOf(sign())).toBe(200);
		expect(await statusOf(sign(deployment.secrets.EDGE_KEYS.split(' ').at(-1)))).toBe(200);
	});

	it('gets the caller without the access token', () => {
		const { headers } = sign();
		const [payload = ''] = headers.get('tmcp-edge')?.split('.') ?? [];
		expect(headers.has('authorization')).toBe(false);
		expect(Buffer.from(payload, 'base64url').toString()).not.toContain('secret');
	});

	it('rejects a request that no edge has signed', async () => {
		const response = await fetch(request());
		expect(response.status).toBe(403);
		expect(await response.json()).toMatchObject({ error: { code: -32600 } });
		expect(await statusOf(sign('a-key-of-someone-else-a-key-of-someone'))).toBe(403);
	});

	it('rejects a signature of another message, session or caller', async () => {
		const { headers } = sign();
		const other = body.replace('visitor', 'another');
		const url = deployment.url('origin');
		expect(await statusOf(new Request(url, { method: 'POST', headers, body: other }))).toBe(403);
		const session = new Headers(headers);
		session.set('mcp-session-id', 'another');
		expect(await statusOf(new Request(url, { method: 'POST', headers: session, body }))).toBe(403);
		const [payload = '', mac] = headers.get('tmcp-edge')?.split('.') ?? [];
		const claims = Buffer.from(payload, 'base64url').toString().replace('"ada"', '"bob"');
		headers.set('tmcp-edge', `${Buffer.from(claims).toString('base64url')}.${mac}`);
		expect(await statusOf(new Request(url, { method: 'POST', headers, body }))).toBe(403);
	});

	it('rejects a signature that is older than a minute', async () => {
		vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 61_000 });
		const old = sign();
		vi.useRealTimers();
		expect(await statusOf(old)).toBe(403);
	});
});

describe('the edge', () => {
	const post = (message: object, headers: Record<string, string> = {}): Promise<Response> =>
		fetch(edge(), {
			method: 'POST',
			headers: { ...JSON_HEADERS, ...headers },
			body: JSON.stringify(message),
		});
	const call = (name: string): object => ({
		jsonrpc: '2.0',
		id: 1,
		method: 'tools/call',
		params: { name, arguments: { text: 'tea' } },
	});

	it.each(['count_words', 'note_add'])('rejects a call of %s without a token', async (name) => {
		const response = await post(call(name), { authorization: '' });
		expect(response.status).toBe(401);
		expect(response.headers.get('www-authenticate')).toBe('Bearer');
	});

	it.each(['count_words', 'note_add'])(
		'rejects %s in the session of another user',
		async (name) => {
			const { transport } = await connect(edge(), 'session-based');
			const session = { 'mcp-session-id': transport.sessionId ?? '' };
			expect((await post(call(name), session)).status).toBe(200);
			const bob = { ...session, authorization: 'Bearer bob-token' };
			expect((await post(call(name), bob)).status).toBe(404);
		},
	);

	it('does not show a user the notes of another', async () => {
		const ada = await connect(edge(), 'stateless');
		const bob = await connect(edge(), 'stateless', fetch, 'bob-token');
		await ada.client.callTool({ name: 'note_add', arguments: { text: 'of Ada' } });
		expect(JSON.stringify(await bob.client.listResources())).not.toContain('of Ada');
	});

	it('rejects a batch for both, and a body that is no message', async () => {
		const { transport } = await connect(edge(), 'session-based');
		const session = { 'mcp-session-id': transport.sessionId ?? '' };
		const response = await post([call('count_words'), call('note_add')], session);
		expect(response.status).toBe(400);
		expect(JSON.stringify(await response.json())).toContain('send each by itself');
		const answer = await fetch(edge(), { method: 'POST', headers: JSON_HEADERS, body: '{' });
		expect(answer.status).toBe(400);
	});
});
