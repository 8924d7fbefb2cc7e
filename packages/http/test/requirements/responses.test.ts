import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const LIST = { id: 1, method: 'tools/list' };
const YES = { action: 'accept', content: { sure: true } };
const HI = { text: 'hi' };

const tests = (deployment: Deployment): void => {
	it.each([
		['a notification', { method: 'notifications/initialized' }],
		['an unknown notification', { method: 'notifications/unheard-of' }],
		['a response with an unknown id', { id: 'unasked', result: {} }],
		['an error response with an unknown id', { id: 7, error: { code: -1, message: 'no' } }],
	])('L9 accepted-without-body: answers %s with 202 and no body', async (_, message) => {
		const { isolateA, isolateB } = deployment.endpoint();
		const response = await isolateB.post(message, await isolateA.initialize());
		await response.ended;
		expect([response.status, response.text]).toEqual([202, '']);
	});

	it.each([
		['with both types', 'application/json, text/event-stream'],
		['with */*', '*/*'],
		['that is missing', undefined],
		['with only text/event-stream', 'text/event-stream'],
		['with quality values', 'text/event-stream;q=0.5, application/json;q=0.9'],
	])(
		'L10 accept-negotiation: answers an Accept header %s with a stream that ends after the response',
		async (_, accept) => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const response = await isolateA.with({ accept }).startCall('echo', session, HI);
			await response.ended;
			expect(response.status).toBe(200);
			expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
			expect(response.rpcResponse).toMatchObject({ jsonrpc: '2.0', id: 1 });
			expect(response.text).toContain('echo: hi');
		},
	);

	it.each([
		'application/json',
		'application/*',
		'Application/JSON; charset=utf-8',
		'application/json, text/html;q=0.1',
		'application/json, text/event-stream;q=0',
	])('L10 accept-negotiation: answers Accept %s with one JSON-RPC response', async (accept) => {
		const { isolateA } = deployment.endpoint();
		const client = isolateA.with({ accept });
		const session = await client.initialize();
		const response = await client.startCall('report', session, { text: 'hi', times: 2 });
		await response.ended;
		expect(response.status).toBe(200);
		expect(response.headers['content-type']).toMatch(/^application\/json/);
		const content = [{ type: 'text', text: 'reported: hi' }];
		expect(JSON.parse(response.text)).toMatchObject({ jsonrpc: '2.0', id: 1, result: { content } });
	});

	it('L10 accept-negotiation: answers with JSON even if the call outlasts the keep-alive interval', async () => {
		const { isolateA } = deployment.endpoint();
		const client = isolateA.with({ accept: 'application/json' });
		const session = await client.initialize();
		const note = crypto.randomUUID();
		const response = await client.startCall('sleep', session, { ms: 1_200, note });
		await response.ended;
		expect(JSON.parse(response.text)).toMatchObject({ id: 1, result: {} });
	});

	it('L10 accept-negotiation: answers stateless requests with JSON', async () => {
		const { isolateA } = deployment.endpoint();
		const response = await isolateA.with({ accept: 'application/json' }).postStateless(LIST);
		await response.ended;
		expect(response.headers['content-type']).toMatch(/^application\/json/);
		expect(JSON.parse(response.text)).toMatchObject({ id: 1, result: {} });
	});

	it.each([
		'text/html',
		'image/*',
		'application/xml;q=0.9, text/plain',
		'application/json-patch+json',
		'application/json;q=0, text/event-stream;q=0',
	])(
		'L10 accept-negotiation: rejects Accept %s, which allows neither type, with 406',
		async (accept) => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const rejection = { status: 406, message: /accept/i, omits: session };
			await expectRejection(isolateA.with({ accept }).post(LIST, session), rejection);
		},
	);

	it.each(['application/json', 'text/html', 'text/event-stream;q=0'])(
		'L10 accept-negotiation: rejects a GET with Accept %s with 406',
		async (accept) => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const rejection = { status: 406, message: /text\/event-stream/, omits: session };
			await expectRejection(isolateA.with({ accept }).openStream(session), rejection);
		},
	);

	it('L11 call-stream: sends the progress and log messages of concurrent calls only on their own streams', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const stream = await isolateA.openStream(session);
		const texts = ['one', 'two', 'three', 'four'];
		const calls = await Promise.all(
			texts.map((text, index) =>
				(index % 2 === 0 ? isolateA : isolateB).startCall(
					'report',
					session,
					{ text, times: 3 },
					text,
				),
			),
		);
		await Promise.all(calls.map(({ ended }) => ended));
		for (const [index, call] of calls.entries()) {
			const text = texts[index] ?? '';
			expect(call.count('notifications/progress')).toBe(3);
			expect(call.count('notifications/message')).toBe(3);
			for (const other of texts.filter((other) => other !== text)) {
				expect(call.text).not.toContain(`"${other}"`);
			}
			expect(call.rpcResponse).toMatchObject({ id: text });
		}
		expect(stream.messages).toEqual([]);
		stream.destroy();
	});

	it('L13 disconnect-is-not-cancellation: finishes a call whose client dropped the connection', async () => {
		const { isolateA } = deployment.endpoint();
		const session = await isolateA.initialize();
		const note = crypto.randomUUID();
		const call = await isolateA.startCall('sleep', session, { ms: 1_200, note });
		await call.waitFor('begun');
		call.destroy();
		expect(await deployment.awaitNote(note)).toBe('finished');
	});

	describe('L27 client-response-routing: delivers a client response, sent to either isolate,', () => {
		it('to an elicitation', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			for (const [caller, responder] of [
				[isolateA, isolateB],
				[isolateB, isolateA],
				[isolateA, isolateA],
			] as const) {
				const call = await caller.startCall('elicit', session);
				const { id } = await call.waitForMessage('elicitation/create');
				const response = await responder.post({ id: id ?? '', result: YES }, session);
				await response.ended;
				expect([response.status, response.text]).toEqual([202, '']);
				await call.ended;
				expect(call.rpcResponse).toMatchObject({ id: 1, result: {} });
				expect(call.text).toContain('sure: true');
			}
		});

		it('to a sampling request', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const call = await isolateA.startCall('sample', session);
			const { id } = await call.waitForMessage('sampling/createMessage');
			const content = { type: 'text', text: 'sesquipedalian' };
			const result = { role: 'assistant', model: 'test', content };
			expect((await isolateB.post({ id: id ?? '', result }, session)).status).toBe(202);
			await call.ended;
			expect(call.text).toContain('sesquipedalian');
		});

		it('that is an error', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const call = await isolateA.startCall('elicit', session);
			const { id } = await call.waitForMessage('elicitation/create');
			const error = { code: -1, message: 'The window was closed' };
			expect((await isolateB.post({ id: id ?? '', error }, session)).status).toBe(202);
			await call.ended;
			expect(JSON.stringify(call.rpcResponse)).toContain('The window was closed');
		});

		it('2.5 s after the server request, and only once', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const call = await isolateA.startCall('elicit', session);
			const { id } = await call.waitForMessage('elicitation/create');
			await new Promise((resolve) => setTimeout(resolve, 2_500));
			for (const result of [YES, { action: 'decline' }]) {
				expect((await isolateB.post({ id: id ?? '', result }, session)).status).toBe(202);
			}
			await call.ended;
			expect(call.text).toContain('sure: true');
		});

		it('to a call whose client has disconnected', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const note = crypto.randomUUID();
			const call = await isolateA.startCall('elicit-and-note', session, { note });
			const { id } = await call.waitForMessage('elicitation/create');
			call.destroy();
			await new Promise((resolve) => setTimeout(resolve, 1_000));
			await isolateB.post({ id: id ?? '', result: YES }, session);
			expect(await deployment.awaitNote(note)).toBe('accept');
		});
	});

	it('L28 shared-request-ids: answers concurrent calls with the same id separately, across sessions and within one', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const [one, two] = [await isolateA.initialize(), await isolateA.initialize()];
		for (const [first, second] of [
			[one, two],
			[one, one],
		] as const) {
			const notes = [crypto.randomUUID(), crypto.randomUUID()] as const;
			const calls = [
				await isolateA.startCall('sleep', first, { ms: 400, note: notes[0] }),
				await isolateB.startCall('sleep', second, { ms: 200, note: notes[1] }),
				await isolateA.startCall('echo', second, HI),
			];
			await Promise.all(calls.map(({ ended }) => ended));
			for (const [index, text] of [
				`slept: ${notes[0]}`,
				`slept: ${notes[1]}`,
				'echo: hi',
			].entries()) {
				expect(calls[index]?.rpcResponse).toMatchObject({ id: 1 });
				expect(calls[index]?.text).toContain(text);
			}
		}
	});

	it('L28 shared-request-ids: routes client responses to two calls with the same id separately', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const first = await isolateA.startCall('elicit', session);
		const second = await isolateA.startCall('elicit', session);
		const [{ id: firstId }, { id: secondId }] = [
			await first.waitForMessage('elicitation/create'),
			await second.waitForMessage('elicitation/create'),
		];
		expect(firstId).not.toBe(secondId);
		await isolateB.post({ id: secondId ?? '', result: { action: 'decline' } }, session);
		await isolateB.post({ id: firstId ?? '', result: YES }, session);
		await Promise.all([first.ended, second.ended]);
		expect(first.text).toContain('sure: true');
		expect(second.text).toContain('action: decline');
	});
};

describeEachDeployment(tests, { concurrent: true });
