import {
	Client as ClientOfV2,
	SSEClientTransport as TransportOfV2,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import {
	CreateMessageRequestSchema,
	ElicitRequestSchema,
	ListRootsRequestSchema,
	LoggingMessageNotificationSchema,
	ResourceUpdatedNotificationSchema,
	ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CLIENT = { name: 'official', version: '1.0.0' };

describe.each(workerdVersions)(
	'the legacy SSE transport in a session object, GET and POST on different isolates of workerd %s',
	(version) => {
		let workers: Workers<'get' | 'post'>;
		const log: string[] = [];
		const clients: { close(): Promise<void> }[] = [];

		beforeAll(async () => {
			workers = await startWorkers({
				entry: join(import.meta.dirname, '../fixture/sse-isolate.ts'),
				workers: ['get', 'post'],
				version,
				kvNamespaces: [],
				durableObjects: { OLD: 'OldSession' },
				onLog: (line) => log.push(line),
			});
		});
		afterAll(async () => {
			for (const client of clients) await client.close();
			await workers.stop();
			expect(log.filter((line) => /hung|uncaught|never settle/i.test(line))).toEqual([]);
		});

		/** Returns a `fetch` that sends GET to one isolate and POST to the other, and reports the session. */
		const fetchOf = (onSession: (session: string) => void): typeof fetch => {
			return (input, init) => {
				const url = new URL(input instanceof Request ? input.url : input);
				const isPost = init?.method === 'POST';
				if (isPost) onSession(url.searchParams.get('sessionId') ?? '');
				url.host = workers.url(isPost ? 'post' : 'get').host;
				return fetch(url, init);
			};
		};

		const connect = async (): Promise<{ client: Client; object: () => string }> => {
			const capabilities = { elicitation: {}, sampling: {}, roots: {} };
			const client = new Client(CLIENT, { capabilities });
			client.setRequestHandler(ElicitRequestSchema, async () => ({
				action: 'accept',
				content: { sure: true },
			}));
			client.setRequestHandler(CreateMessageRequestSchema, async () => ({
				model: 'm',
				role: 'assistant',
				content: { type: 'text', text: 'hello' },
			}));
			client.setRequestHandler(ListRootsRequestSchema, async () => ({
				roots: [{ uri: 'file:///home' }],
			}));
			let session = '';
			const transport = new SSEClientTransport(new URL('/sse', workers.url('get')), {
				fetch: fetchOf((id) => (session = id)),
			});
			await client.connect(transport);
			clients.push(client);
			const object = (): string =>
				Buffer.from(session.slice(session.lastIndexOf('.') + 1), 'base64url').toString('hex');
			return { client, object };
		};
		const callTool = async (client: Client, name: string, args = {}): Promise<string> => {
			const options = { timeout: 120_000 };
			const result = await client.callTool({ name, arguments: args }, undefined, options);
			return JSON.stringify(result.content);
		};

		it('serves the client of 1.x from the state of its own session', async () => {
			const [{ client }, { client: other }] = [await connect(), await connect()];
			expect(client.getServerVersion()?.name).toBe('old');
			expect((await client.listTools()).tools.map(({ name }) => name)).toContain('notes');
			await callTool(client, 'note', { text: 'milk' });
			expect(await callTool(client, 'notes')).toContain('milk');
			expect(await callTool(other, 'notes')).not.toContain('milk');
			expect(await callTool(client, 'who')).toContain('official');
			await expect(client.callTool({ name: 'absent' })).rejects.toThrow('Unknown tool: absent');
		});

		it('serves the client of 2.x', async () => {
			const client = new ClientOfV2(CLIENT);
			const url = new URL('/sse', workers.url('get'));
			await client.connect(new TransportOfV2(url, { fetch: fetchOf(() => {}) }));
			clients.push(client);
			expect((await client.listTools()).tools.length).toBeGreaterThan(5);
			const { content } = await client.callTool({ name: 'echo', arguments: { text: 'two' } });
			expect(JSON.stringify(content)).toContain('two');
		});

		it('carries elicitation, sampling and roots requests of tools', async () => {
			const { client } = await connect();
			expect(await callTool(client, 'ask')).toContain('sure: true');
			expect(await callTool(client, 'sample')).toContain('hello');
			expect(await callTool(client, 'roots')).toContain('file:///home');
		});

		it('delivers a list change, a resource update and a log message once each', async () => {
			const { client } = await connect();
			const seen: string[] = [];
			client.setNotificationHandler(ToolListChangedNotificationSchema, ({ method }) => {
				seen.push(method);
			});
			client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
				seen.push(params.uri);
			});
			client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
				seen.push(String(params.data));
			});
			await client.subscribeResource({ uri: 'test://a' });
			await client.setLoggingLevel('info');
			await callTool(client, 'notify');
			await callTool(client, 'speak');
			await expect.poll(() => seen.length).toBeGreaterThanOrEqual(3);
			await new Promise((resolve) => setTimeout(resolve, 300));
			expect(seen.toSorted()).toEqual(['notifications/tools/list_changed', 'spoken', 'test://a']);
		});

		it('responds to 100 concurrent calls, each with its own text', async () => {
			const { client } = await connect();
			const texts = Array.from({ length: 100 }, (_, index) => `text ${index}.`);
			const answers = await Promise.all(texts.map((text) => callTool(client, 'echo', { text })));
			expect(answers.every((answer, index) => answer.includes(texts[index] ?? '-'))).toBe(true);
		});

		it('cancels a call from the isolate that does not hold its stream', async () => {
			const { client } = await connect();
			const stop = new AbortController();
			const call = client.callTool({ name: 'work', arguments: { ms: 20_000 } }, undefined, {
				signal: stop.signal,
			});
			setTimeout(() => stop.abort(), 200);
			await expect(call).rejects.toThrow('abort');
			await expect.poll(() => callTool(client, 'notes')).toContain('cancelled');
		});

		it('resumes a call whose object is lost, and responds on the stream', async () => {
			const { client, object } = await connect();
			await callTool(client, 'note', { text: 'before' });
			const call = callTool(client, 'work', { ms: 60_000 });
			await new Promise((resolve) => setTimeout(resolve, 300));
			const reset = new URL(`/reset?object=${object()}`, workers.url('get'));
			expect(await (await fetch(reset)).text()).toContain('reset by a test');
			expect(await call).toContain('resumed work');
			expect(await callTool(client, 'notes')).toContain('before');
		});
	},
);
