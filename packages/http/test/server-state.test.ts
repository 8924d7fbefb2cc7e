import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

import { KEY } from './local-handler.ts';
import { PlatformClient } from './platform-client.ts';
import type { IncomingResponse } from './platform-client.ts';

const Text = v.object({ text: v.string() });

/** Lets calls of several clients run at the same time: each waits until the others have arrived. */
class Meeting {
	readonly #everyone = Promise.withResolvers<void>();
	#missing: number;
	constructor(size: number) {
		this.#missing = size;
	}
	async join(): Promise<void> {
		this.#missing -= 1;
		if (this.#missing === 0) this.#everyone.resolve();
		await this.#everyone.promise;
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}

interface Setup {
	readonly server: McpServer<v.GenericSchema>;
	readonly ann: PlatformClient;
	readonly bob: PlatformClient;
	readonly open: (client: PlatformClient, params?: object) => Promise<string>;
}

/** Creates one server for the sessions of two principals. */
function setUp(): Setup {
	const server = new McpServer<v.GenericSchema>(
		{ name: 'shared', version: '1' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: { tools: {}, resources: {}, prompts: {}, logging: {} },
			pagination: { tools: { size: 1 } },
		},
	);
	const mcp = createMcpHandler(server, {
		info: new StoredInfoSessionManager(new InMemorySessionStore()),
		sessionKeys: [KEY],
		principal: (request) => request.headers.get('x-user'),
	});
	const clientOf = (user: string): PlatformClient =>
		new PlatformClient({
			fetch(request, env, context) {
				const own = new Request(request, { headers: new Headers(request.headers) });
				own.headers.set('x-user', user);
				return mcp.fetch(own, env, context);
			},
		});
	const open: Setup['open'] = async (client, params = {}) => {
		const initialize = {
			protocolVersion: '2025-06-18',
			capabilities: { elicitation: {} },
			clientInfo: { name: 'client', version: '1' },
			...params,
		};
		const response = await client.post('', { id: 0, method: 'initialize', params: initialize });
		await response.end();
		return response.headers.get('mcp-session-id') ?? '';
	};
	return { server, ann: clientOf('ann'), bob: clientOf('bob'), open };
}

async function textOf(pending: Promise<IncomingResponse>): Promise<string> {
	const response = await pending;
	await response.end();
	return response.text;
}

// One test for each field of tmcp's server object that outlives a request: `roots`, `#client`,
// `#ctx_storage`, `#tools`, `#prompts`, `#resources` and `#templates`, `#completions`, `#options`,
// `#server_info`, `#event_target`, `#server`.
describe('of two principals that share a server', () => {
	it('#ctx_storage: each tool sees its own capabilities, client, log level and progress token', async () => {
		const { server, ann, bob, open } = setUp();
		const meeting = new Meeting(2);
		server.tool({ name: 'who', description: 'Describes the caller' }, async () => {
			await meeting.join();
			server.progress(1);
			server.log('info', 'logged');
			const { sessionId, sessionInfo } = server.ctx;
			const { name } = server.currentClientInfo() ?? {};
			const keys = Object.keys(server.currentClientCapabilities() ?? {});
			return tool.text([name, keys, sessionInfo?.logLevel, sessionId?.length].join(' '));
		});
		const sessionA = await open(ann, {
			capabilities: { roots: {} },
			clientInfo: { name: 'ann-client', version: '1' },
		});
		const sessionB = await open(bob, {
			capabilities: { sampling: {} },
			clientInfo: { name: 'bob-client', version: '1' },
		});
		const level = { id: 1, method: 'logging/setLevel', params: { level: 'error' } };
		await textOf(ann.post(sessionA, level));
		const call = (token: string): object => ({
			id: 1,
			method: 'tools/call',
			params: { name: 'who', arguments: {}, _meta: { progressToken: token } },
		});
		const [a, b] = await Promise.all([
			textOf(ann.post(sessionA, call('token-of-ann'))),
			textOf(bob.post(sessionB, call('token-of-bob'))),
		]);
		expect(a).toContain('ann-client roots error');
		expect(a).toContain('token-of-ann');
		expect(a).not.toMatch(/bob|logged/);
		expect(b).toContain('bob-client sampling');
		expect(b).toMatch(/token-of-bob[\s\S]*logged/);
		expect(b).not.toContain('ann');
	});

	it('#client: a client cannot respond to the server request of the other, whose ids it can guess', async () => {
		const { server, ann, bob, open } = setUp();
		server.tool({ name: 'ask', description: 'Elicits a text' }, async () => {
			const { content } = await server.elicitation('Text?', Text);
			return tool.text(`answered: ${content?.text}`);
		});
		const [sessionA, sessionB] = [await open(ann), await open(bob)];
		const call = await ann.call(sessionA, 'ask');
		const id = await call.elicitationId();
		const result = { action: 'accept', content: { text: 'of bob' } };
		for (const guess of [id, 1, '1', id.split('.').at(-1) ?? '']) {
			const sent = await bob.post(sessionB, { id: guess, result });
			expect(sent.status).toBe(202);
		}
		await ann.post(sessionA, { id, result: { action: 'accept', content: { text: 'of ann' } } });
		await call.end();
		expect(call.text).toContain('answered: of ann');
	});

	it('#templates and #resources: each read gets the parameters of its own uri', async () => {
		const { server, ann, bob, open } = setUp();
		const meeting = new Meeting(2);
		server.template(
			{ name: 'note', description: 'A note', uri: 'note://{owner}' },
			async (uri, { owner }) => {
				await meeting.join();
				return resource.text(uri, `note of ${String(owner)}`);
			},
		);
		const read = async (client: PlatformClient, owner: string): Promise<string> => {
			const params = { uri: `note://${owner}` };
			return textOf(client.post(await open(client), { id: 1, method: 'resources/read', params }));
		};
		const [a, b] = await Promise.all([read(ann, 'ann'), read(bob, 'bob')]);
		expect([a, b]).toEqual([
			expect.stringContaining('note of ann'),
			expect.stringContaining('note of bob'),
		]);
	});

	it('#tools: a tool that one caller may not see is not listed for it, at the same time', async () => {
		const { server, ann, bob, open } = setUp();
		const meeting = new Meeting(2);
		const enabled = async (): Promise<boolean> => {
			const { name } = server.ctx.sessionInfo?.clientInfo ?? {};
			await meeting.join();
			return name === 'ann-client';
		};
		server.tool({ name: 'private', description: 'For ann', enabled }, () => tool.text('private'));
		const list = async (client: PlatformClient, name: string): Promise<string> => {
			const session = await open(client, { clientInfo: { name, version: '1' } });
			return textOf(client.post(session, { id: 1, method: 'tools/list' }));
		};
		const [a, b] = await Promise.all([list(ann, 'ann-client'), list(bob, 'bob-client')]);
		expect(a).toContain('private');
		expect(b).not.toContain('private');
	});

	it('#completions and #prompts: each completion gets its own value', async () => {
		const { server, ann, bob, open } = setUp();
		const meeting = new Meeting(2);
		server.prompt(
			{
				name: 'write',
				description: 'Writes',
				schema: Text,
				complete: {
					text: async (value) => {
						await meeting.join();
						return { completion: { values: [`${value}!`] } };
					},
				},
			},
			({ text }) => ({ messages: [{ role: 'user', content: { type: 'text', text } }] }),
		);
		const complete = async (client: PlatformClient, value: string): Promise<string> => {
			const ref = { type: 'ref/prompt', name: 'write' };
			const params = { ref, argument: { name: 'text', value } };
			const message = { id: 1, method: 'completion/complete', params };
			return textOf(client.post(await open(client), message));
		};
		const [a, b] = await Promise.all([complete(ann, 'ann'), complete(bob, 'bob')]);
		expect([a, b]).toEqual([expect.stringContaining('ann!'), expect.stringContaining('bob!')]);
	});

	it('#options and #server_info: no response changes what the next client gets', async () => {
		const { server, ann, bob, open } = setUp();
		server.tool({ name: 'one', description: 'One' }, () => tool.text('one'));
		server.tool({ name: 'two', description: 'Two' }, () => tool.text('two'));
		const listed = async (client: PlatformClient): Promise<string> => {
			const discovered = await textOf(client.postStateless('server/discover'));
			const session = await open(client);
			const page = await textOf(client.post(session, { id: 1, method: 'tools/list' }));
			return discovered + page;
		};
		const first = await listed(ann);
		const cursor = /"nextCursor":"([^"]+)"/.exec(first)?.[1];
		await textOf(ann.post(await open(ann), { id: 1, method: 'tools/list', params: { cursor } }));
		expect(await listed(bob)).toBe(first);
	});

	it('#event_target: a notification of one call reaches the stream of that call only', async () => {
		const { server, ann, bob, open } = setUp();
		const meeting = new Meeting(2);
		server.tool({ name: 'log', description: 'Logs', schema: Text }, async ({ text }) => {
			await meeting.join();
			server.log('error', `secret of ${text}`);
			await new Promise((resolve) => setTimeout(resolve, 20));
			return tool.text('logged');
		});
		const [a, b] = await Promise.all([
			textOf(ann.call(await open(ann), 'log', { text: 'ann' })),
			textOf(bob.call(await open(bob), 'log', { text: 'bob' })),
		]);
		expect(a).toMatch(/secret of ann/);
		expect(b).toMatch(/secret of bob/);
		expect(a).not.toContain('secret of bob');
		expect(b).not.toContain('secret of ann');
	});

	it('#server: an invalid cursor is rejected, and does not read the page of another list', async () => {
		const { server, ann, open } = setUp();
		server.tool({ name: 'one', description: 'One' }, () => tool.text('one'));
		const session = await open(ann);
		for (const cursor of ['garbage!', 'x', '']) {
			const message = { id: 1, method: 'tools/list', params: { cursor } };
			const text = await textOf(ann.post(session, message));
			// tmcp takes an empty cursor for none.
			expect(text, cursor).toContain(cursor === '' ? '"one"' : '"code":-32602');
		}
	});
});
