import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const LIST = { id: 1, method: 'tools/list' };
const YES = { action: 'accept', content: { sure: true } };
const HI = { text: 'hi' };

const tests = (deployment: Deployment): void => {
	it.each([
		['a notification', { method: 'notifications/initialized' }],
		['a notification that nobody knows', { method: 'notifications/unheard-of' }],
		['a response to what was never asked', { id: 'unasked', result: {} }],
		['an error for what was never asked', { id: 7, error: { code: -1, message: 'no' } }],
	])('L9 accepted-without-body: %s is a 202 without a body', async (_, message) => {
		const { here, there } = deployment.endpoint();
		const answer = await there.post(message, await here.initialize());
		await answer.ended;
		expect([answer.status, answer.text]).toEqual([202, '']);
	});

	it.each([
		['of both types', 'application/json, text/event-stream'],
		['of anything', '*/*'],
		['of nothing', undefined],
		['of a stream alone', 'text/event-stream'],
		['with qualities', 'text/event-stream;q=0.5, application/json;q=0.9'],
	])(
		'L10 accept-negotiation: an Accept %s gets a stream that ends after the response',
		async (_, accept) => {
			const { here } = deployment.endpoint();
			const session = await here.initialize();
			const answer = await here.with({ accept }).startCall('echo', session, HI);
			await answer.ended;
			expect(answer.status).toBe(200);
			expect(answer.headers['content-type']).toMatch(/^text\/event-stream/);
			expect(answer.response).toMatchObject({ jsonrpc: '2.0', id: 1 });
			expect(answer.text).toContain('echo: hi');
		},
	);

	it.each([
		'application/json',
		'application/*',
		'Application/JSON; charset=utf-8',
		'application/json, text/html;q=0.1',
		'application/json, text/event-stream;q=0',
	])('L10 accept-negotiation: an Accept of %s gets one JSON-RPC response', async (accept) => {
		const { here } = deployment.endpoint();
		const client = here.with({ accept });
		const session = await client.initialize();
		const answer = await client.startCall('tell', session, { text: 'hi', times: 2 });
		await answer.ended;
		expect(answer.status).toBe(200);
		expect(answer.headers['content-type']).toMatch(/^application\/json/);
		const content = [{ type: 'text', text: 'told: hi' }];
		expect(JSON.parse(answer.text)).toMatchObject({ jsonrpc: '2.0', id: 1, result: { content } });
	});

	it('L10 accept-negotiation: a JSON answer that takes longer than a heartbeat is JSON all the same', async () => {
		const { here } = deployment.endpoint();
		const client = here.with({ accept: 'application/json' });
		const session = await client.initialize();
		const note = crypto.randomUUID();
		const answer = await client.startCall('work', session, { ms: 1_200, note });
		await answer.ended;
		expect(JSON.parse(answer.text)).toMatchObject({ id: 1, result: {} });
	});

	it('L10 accept-negotiation: JSON is for the stateless era too', async () => {
		const { here } = deployment.endpoint();
		const answer = await here.with({ accept: 'application/json' }).postStateless(LIST);
		await answer.ended;
		expect(answer.headers['content-type']).toMatch(/^application\/json/);
		expect(JSON.parse(answer.text)).toMatchObject({ id: 1, result: {} });
	});

	it.each([
		'text/html',
		'image/*',
		'application/xml;q=0.9, text/plain',
		'application/json-patch+json',
		'application/json;q=0, text/event-stream;q=0',
	])('L10 accept-negotiation: an Accept of %s, with neither type, is a 406', async (accept) => {
		const { here } = deployment.endpoint();
		const session = await here.initialize();
		const refusal = { status: 406, says: /accept/i, hides: session };
		await expectRefusal(here.with({ accept }).post(LIST, session), refusal);
	});

	it.each(['application/json', 'text/html', 'text/event-stream;q=0'])(
		'L10 accept-negotiation: a GET whose Accept is %s is a 406',
		async (accept) => {
			const { here } = deployment.endpoint();
			const session = await here.initialize();
			const refusal = { status: 406, says: /text\/event-stream/, hides: session };
			await expectRefusal(here.with({ accept }).openStream(session), refusal);
		},
	);

	it('L11 call-stream: what a call tells travels on its own stream, whatever runs beside it', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const stream = await here.openStream(session);
		const texts = ['one', 'two', 'three', 'four'];
		const calls = await Promise.all(
			texts.map((text, index) =>
				(index % 2 === 0 ? here : there).startCall('tell', session, { text, times: 3 }, text),
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
			expect(call.response).toMatchObject({ id: text });
		}
		expect(stream.messages).toEqual([]);
		stream.destroy();
	});

	it('L13 disconnect-is-not-cancellation: a client that drops its connection has not cancelled its call', async () => {
		const { here } = deployment.endpoint();
		const session = await here.initialize();
		const note = crypto.randomUUID();
		const call = await here.startCall('work', session, { ms: 1_200, note });
		await call.until('begun');
		call.destroy();
		expect(await deployment.awaitNote(note)).toBe('finished');
	});

	describe('L27 client-response-routing: an answer reaches its question, from whatever isolate', () => {
		it('asked of the user', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			for (const [asker, answerer] of [
				[here, there],
				[there, here],
				[here, here],
			] as const) {
				const asking = await asker.startCall('ask', session);
				const { id } = await asking.next('elicitation/create');
				const answer = await answerer.post({ id: id ?? '', result: YES }, session);
				await answer.ended;
				expect([answer.status, answer.text]).toEqual([202, '']);
				await asking.ended;
				expect(asking.response).toMatchObject({ id: 1, result: {} });
				expect(asking.text).toContain('sure: true');
			}
		});

		it('asked of the model', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const asking = await here.startCall('sample', session);
			const { id } = await asking.next('sampling/createMessage');
			const content = { type: 'text', text: 'sesquipedalian' };
			const result = { role: 'assistant', model: 'test', content };
			expect((await there.post({ id: id ?? '', result }, session)).status).toBe(202);
			await asking.ended;
			expect(asking.text).toContain('sesquipedalian');
		});

		it('refused by the client', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const asking = await here.startCall('ask', session);
			const { id } = await asking.next('elicitation/create');
			const error = { code: -1, message: 'The window was closed' };
			expect((await there.post({ id: id ?? '', error }, session)).status).toBe(202);
			await asking.ended;
			expect(JSON.stringify(asking.response)).toContain('The window was closed');
		});

		it('after a while, and once alone', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const asking = await here.startCall('ask', session);
			const { id } = await asking.next('elicitation/create');
			await new Promise((resolve) => setTimeout(resolve, 2_500));
			for (const result of [YES, { action: 'decline' }]) {
				expect((await there.post({ id: id ?? '', result }, session)).status).toBe(202);
			}
			await asking.ended;
			expect(asking.text).toContain('sure: true');
		});

		it('whose client has left meanwhile', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const note = crypto.randomUUID();
			const asking = await here.startCall('ask-and-note', session, { note });
			const { id } = await asking.next('elicitation/create');
			asking.destroy();
			await new Promise((resolve) => setTimeout(resolve, 1_000));
			await there.post({ id: id ?? '', result: YES }, session);
			expect(await deployment.awaitNote(note)).toBe('accept');
		});
	});

	it('L28 shared-request-ids: two calls at once with the same id get each its own answer, in two sessions and in one', async () => {
		const { here, there } = deployment.endpoint();
		const [one, two] = [await here.initialize(), await here.initialize()];
		for (const [first, second] of [
			[one, two],
			[one, one],
		] as const) {
			const notes = [crypto.randomUUID(), crypto.randomUUID()] as const;
			const calls = [
				await here.startCall('work', first, { ms: 400, note: notes[0] }),
				await there.startCall('work', second, { ms: 200, note: notes[1] }),
				await here.startCall('echo', second, HI),
			];
			await Promise.all(calls.map(({ ended }) => ended));
			for (const [index, text] of [
				`worked: ${notes[0]}`,
				`worked: ${notes[1]}`,
				'echo: hi',
			].entries()) {
				expect(calls[index]?.response).toMatchObject({ id: 1 });
				expect(calls[index]?.text).toContain(text);
			}
		}
	});

	it('L28 shared-request-ids: two questions of calls with the same id get each its own answer', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const first = await here.startCall('ask', session);
		const second = await here.startCall('ask', session);
		const [{ id: firstId }, { id: secondId }] = [
			await first.next('elicitation/create'),
			await second.next('elicitation/create'),
		];
		expect(firstId).not.toBe(secondId);
		await there.post({ id: secondId ?? '', result: { action: 'decline' } }, session);
		await there.post({ id: firstId ?? '', result: YES }, session);
		await Promise.all([first.ended, second.ended]);
		expect(first.text).toContain('sure: true');
		expect(second.text).toContain('action: decline');
	});
};

describeEachDeployment(tests, { concurrent: true });
