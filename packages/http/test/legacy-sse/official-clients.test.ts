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
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fetchOf, startFixture } from './deployment.ts';
import type { Isolates } from './deployment.ts';
import { pause } from './raw-stream.ts';

const CLIENT = { name: 'official', version: '1.0.0' };

describe.each(workerdVersions)('workerd %s, GET and POST on different isolates', (version) => {
	let workers: Isolates;
	const log: string[] = [];
	const clients: { close(): Promise<void> }[] = [];

	beforeAll(async () => {
		workers = await startFixture({ version, onLog: (line) => log.push(line) });
	});
	afterAll(async () => {
		for (const client of clients) await client.close();
		await workers.stop();
		expect(log.filter((line) => /hung|uncaught|never settle/i.test(line))).toEqual([]);
	});

	const connect = async (): Promise<Client> => {
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
		const transport = new SSEClientTransport(new URL('/sse', workers.url('get')), {
			fetch: fetchOf(workers),
		});
		await client.connect(transport);
		clients.push(client);
		return client;
	};

	const callTool = async (client: Client, name: string, args = {}): Promise<string> => {
		const result = await client.callTool({ name, arguments: args });
		return JSON.stringify(result.content);
	};

	it('the client of 1.x lists and calls', async () => {
		const client = await connect();
		expect(client.getServerVersion()?.name).toBe('test');
		expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
		expect(await callTool(client, 'echo', { text: 'one' })).toContain('one');
		expect(await callTool(client, 'who')).toContain('official');
		await expect(client.callTool({ name: 'fail' })).rejects.toThrow('on purpose');
		expect((await client.callTool({ name: 'absent' })).isError).toBe(true);
	});

	it('a tool asks the user, the model and for roots', async () => {
		const client = await connect();
		expect(await callTool(client, 'ask')).toContain('sure: true');
		expect(await callTool(client, 'sample')).toContain('hello');
		expect(await callTool(client, 'roots')).toContain('file:///home');
	});

	it('the client of 2.x lists and calls', async () => {
		const client = new ClientOfV2(CLIENT);
		const transport = new TransportOfV2(new URL('/sse', workers.url('get')), {
			fetch: fetchOf(workers),
		});
		await client.connect(transport);
		clients.push(client);
		expect((await client.listTools()).tools.length).toBeGreaterThan(5);
		const { content } = await client.callTool({ name: 'echo', arguments: { text: 'two' } });
		expect(JSON.stringify(content)).toContain('two');
	});

	it('100 calls at once are each answered, once and with their own text', async () => {
		const client = await connect();
		const texts = Array.from({ length: 100 }, (_, index) => `text ${index}.`);
		const answers = await Promise.all(texts.map((text) => callTool(client, 'echo', { text })));
		expect(answers.map((answer, index) => answer.includes(texts[index] ?? '-'))).not.toContain(
			false,
		);
	});

	it('a change, an update of a resource and a log line arrive, once each', async () => {
		const client = await connect();
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
		await callTool(client, 'update');
		await callTool(client, 'speak');
		await pause(300);
		expect(seen.toSorted()).toEqual(['notifications/tools/list_changed', 'spoken', 'test://a']);
	});

	it('a call is cancelled, also from where it does not run', async () => {
		const client = await connect();
		const stop = new AbortController();
		const note = `cancel ${version}`;
		const call = client.callTool({ name: 'work', arguments: { ms: 20_000, note } }, undefined, {
			signal: stop.signal,
		});
		// Reachable from everywhere when it is a second old.
		setTimeout(() => stop.abort(), 1_500);
		await expect(call).rejects.toThrow('abort');
		const url = new URL(`/note?name=${encodeURIComponent(note)}`, workers.url('get'));
		await expect.poll(async () => (await fetch(url)).json(), { timeout: 5_000 }).toBe('cancelled');
	});
});
