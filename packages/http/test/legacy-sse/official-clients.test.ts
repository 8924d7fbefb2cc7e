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

	it('lists and calls tools for the 1.x client', async () => {
		const client = await connect();
		expect(client.getServerVersion()?.name).toBe('test');
		expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
		expect(await callTool(client, 'echo', { text: 'one' })).toContain('one');
		expect(await callTool(client, 'identify')).toContain('official');
		await expect(client.callTool({ name: 'fail' })).rejects.toThrow('on purpose');
		await expect(client.callTool({ name: 'absent' })).rejects.toThrow('Unknown tool: absent');
	});

	it('sends elicitation, sampling and roots requests to the client', async () => {
		const client = await connect();
		expect(await callTool(client, 'elicit')).toContain('sure: true');
		expect(await callTool(client, 'sample')).toContain('hello');
		expect(await callTool(client, 'roots')).toContain('file:///home');
	});

	it('lists and calls tools for the 2.x client', async () => {
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

	it('answers each of 100 concurrent calls with its own text', async () => {
		const client = await connect();
		const texts = Array.from({ length: 100 }, (_, index) => `text ${index}.`);
		const results = await Promise.all(texts.map((text) => callTool(client, 'echo', { text })));
		expect(results.map((result, index) => result.includes(texts[index] ?? '-'))).not.toContain(
			false,
		);
	});

	it('delivers a list change, a resource update and a log message once each', async () => {
		const client = await connect();
		const received: string[] = [];
		client.setNotificationHandler(ToolListChangedNotificationSchema, ({ method }) => {
			received.push(method);
		});
		client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
			received.push(params.uri);
		});
		client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
			received.push(String(params.data));
		});
		await client.subscribeResource({ uri: 'test://a' });
		await client.setLoggingLevel('info');
		await callTool(client, 'notify');
		await callTool(client, 'update');
		await callTool(client, 'log');
		await pause(300);
		expect(received.toSorted()).toEqual(['logged', 'notifications/tools/list_changed', 'test://a']);
	});

	it('cancels a call from the other isolate', async () => {
		const client = await connect();
		const abort = new AbortController();
		const note = `cancel ${version}`;
		const call = client.callTool({ name: 'sleep', arguments: { ms: 20_000, note } }, undefined, {
			signal: abort.signal,
		});
		// The call opens its inbox, which other isolates can reach, after one second.
		setTimeout(() => abort.abort(), 1_500);
		await expect(call).rejects.toThrow('abort');
		const url = new URL(`/note?name=${encodeURIComponent(note)}`, workers.url('get'));
		await expect.poll(async () => (await fetch(url)).json()).toBe('cancelled');
	});
});
