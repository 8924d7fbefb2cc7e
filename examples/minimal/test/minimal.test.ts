import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { listWithOfficialClients } from '@tmcp-sessions/clients/listing';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWranglerDev } from './wrangler-dev.ts';
import type { WranglerDev } from './wrangler-dev.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const clientInfo = { name: 'visitor', version: '1.0.0' };
const greet = { name: 'greet', arguments: { name: 'Ada' } };
const initialize = {
	jsonrpc: '2.0',
	id: 1,
	method: 'initialize',
	params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
};
const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };
const newKey = (): string => randomBytes(32).toString('base64');
const greeting = [{ type: 'text', text: 'Hello, Ada!' }];

describe('in wrangler dev', () => {
	let dev: WranglerDev;

	beforeAll(async () => {
		dev = await startWranglerDev([], {
			TMCP_SESSION_KEYS: randomBytes(32).toString('base64'),
		});
	});
	afterAll(() => dev.stop());

	it('lists its tool to the official clients and the Inspector', async () => {
		const listings = await listWithOfficialClients(dev.url, { tools: ['greet'] });
		for (const [client, listing] of Object.entries(listings)) {
			expect(listing, client).toEqual({ tools: ['greet'] });
		}
	});

	it('answers a call of the official SDK 1.x in a session', async () => {
		const transport = new Transport1(dev.url);
		const client = new Client1(clientInfo);
		await client.connect(transport);
		expect(transport.sessionId).toBeDefined();
		expect((await client.callTool(greet)).content).toEqual(greeting);
		await client.close();
	});

	it.each([
		{ era: 'session-based', options: {} },
		{ era: 'stateless', options: { versionNegotiation: { mode: { pin: '2026-07-28' } } } },
	])('answers a $era call of the official SDK 2.x', async ({ options }) => {
		const client = new Client(clientInfo, options);
		await client.connect(new StreamableHTTPClientTransport(dev.url));
		expect((await client.callTool(greet)).content).toEqual(greeting);
		await client.close();
	});

	it('answers the requests of docs/connect.md', async () => {
		const scripts = [...read('../../../docs/connect.md').matchAll(/^```sh\n([^]*?)^```$/gm)]
			.map(([, script = '']) => script)
			.filter((script) => script.includes('curl '));
		expect(scripts.length).toBe(2);
		for (const script of scripts) {
			const args = ['-c', script.replaceAll('http://localhost:8787/mcp', dev.url.href)];
			const { stdout } = await promisify(execFile)('bash', args);
			expect(stdout).toContain('"text":"Hello, Ada!"');
		}
	});

	it('logs no error', () => {
		expect(dev.output()).not.toMatch(/error\]|tmcp-sessions/i);
	});
});

describe('with a bearer token', () => {
	const tokens = { alice: randomBytes(32).toString('hex'), bob: randomBytes(32).toString('hex') };
	let dev: WranglerDev;

	beforeAll(async () => {
		const secrets = { TMCP_SESSION_KEYS: newKey(), MCP_TOKENS: JSON.stringify(tokens) };
		dev = await startWranglerDev(['--config=wrangler.bearer.jsonc'], secrets);
	});
	afterAll(() => dev.stop());

	/** Sends a ping, or opens a session without the id of one. */
	function send(authorization: string | undefined, sessionId?: string): Promise<Response> {
		return fetch(dev.url, {
			method: 'POST',
			headers: {
				accept: 'application/json, text/event-stream',
				'content-type': 'application/json',
				...(authorization !== undefined && { authorization }),
				...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
			},
			body: JSON.stringify(sessionId === undefined ? initialize : ping),
		});
	}

	it.each([
		{ what: 'no token', authorization: undefined },
		{ what: 'an unknown token', authorization: `Bearer ${randomBytes(32).toString('hex')}` },
		{ what: 'an empty token', authorization: 'Bearer ' },
		{ what: 'another scheme', authorization: `Basic ${tokens.alice}` },
	])('rejects a request with $what with 401 and a challenge', async ({ authorization }) => {
		const response = await send(authorization);
		expect(response.status).toBe(401);
		expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
	});

	it('serves the official client that has a token', async () => {
		const headers = { Authorization: `Bearer ${tokens.alice}` };
		const client = new Client(clientInfo);
		await client.connect(new StreamableHTTPClientTransport(dev.url, { requestInit: { headers } }));
		expect((await client.callTool({ name: 'greet' })).content).toEqual([
			{ type: 'text', text: 'Hello, world!' },
		]);
		await client.close();
	});

	it('binds a session to the user that opened it', async () => {
		const opened = await send(`Bearer ${tokens.alice}`);
		const sessionId = opened.headers.get('mcp-session-id') ?? expect.fail();
		expect((await send(`bearer ${tokens.alice}`, sessionId)).status).toBe(200);
		expect((await send(`Bearer ${tokens.bob}`, sessionId)).status).toBe(404);
		expect((await send(undefined, sessionId)).status).toBe(401);
	});
});

describe('a document', () => {
	it.each([
		{ document: 'README.md', file: 'src/index.ts' },
		{ document: 'README.md', file: 'wrangler.jsonc' },
		{ document: 'docs/authentication.md', file: 'src/principal.ts' },
	])('$document shows $file as it is', ({ document, file }) => {
		const block = new RegExp(`^\`\`\`\\w+ title="${file}"\n([^]*?)^\`\`\`$`, 'm');
		const [, shown] = block.exec(read(`../../../${document}`)) ?? [];
		// Markdown is indented with spaces.
		expect(shown).toBe(read(`../${file}`).replaceAll('\t', '  '));
	});

	it('needs at most 25 lines for the server', () => {
		expect(read('../src/index.ts').trimEnd().split('\n').length).toBeLessThanOrEqual(25);
	});
});
