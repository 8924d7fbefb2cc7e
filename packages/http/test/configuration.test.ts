import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandlerOptions } from '@tmcp-sessions/http';
import { composeHandler, createCallRunner } from '@tmcp-sessions/http/internal';
import { createLegacySse, createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { McpServer } from 'tmcp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { INITIALIZE } from './local-handler.ts';

const KEY = 'a-key-of-the-tests-32-characters-long-and-more';
const OTHER_KEY = 'another-key-of-the-tests-which-is-long-enough';

const info = new StoredInfoSessionManager(new InMemorySessionStore());

function handler(options: McpHandlerOptions): ReturnType<typeof createMcpHandler> {
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{ adapter: undefined, capabilities: { tools: {} } },
	);
	return createMcpHandler(server, { info, onError: () => {}, ...options });
}

function initialize(address: string, headers: Record<string, string> = {}): Request {
	const type = { 'content-type': 'application/json' };
	return new Request(address, {
		method: 'POST',
		headers: { ...type, ...headers },
		body: JSON.stringify({ jsonrpc: '2.0', ...INITIALIZE }),
	});
}

function ping(address: string, session: string): Request {
	return new Request(address, {
		method: 'POST',
		headers: { 'content-type': 'application/json', 'mcp-session-id': session },
		body: '{"jsonrpc":"2.0","id":2,"method":"ping"}',
	});
}

const PUBLIC = 'https://mcp.example.com/mcp';
const LOCAL = 'http://localhost:8787/mcp';

describe('session keys', () => {
	afterEach(() => void vi.restoreAllMocks());

	it('are read from the environment, separated by spaces or commas', async () => {
		const [before, after] = [KEY, OTHER_KEY];
		const opened = await handler({}).fetch(initialize(PUBLIC), { TMCP_SESSION_KEYS: before });
		const session = opened.headers.get('mcp-session-id') ?? '';
		for (const keys of [`${after} ${before}`, `${after},${before}`]) {
			const rotated = await handler({}).fetch(ping(PUBLIC, session), { TMCP_SESSION_KEYS: keys });
			expect(rotated.status).toBe(200);
			const configured = await handler({ sessionKeys: [keys] }).fetch(ping(PUBLIC, session));
			expect(configured.status).toBe(200);
		}
		const dropped = await handler({}).fetch(ping(PUBLIC, session), { TMCP_SESSION_KEYS: after });
		expect(dropped.status).toBe(404);
	});

	it('are optional only on localhost, in any order of requests', async () => {
		const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
		const errors: string[] = [];
		const onError = ({ message }: Error): void => void errors.push(message);
		for (const addresses of [
			[LOCAL, PUBLIC, LOCAL],
			[PUBLIC, LOCAL, PUBLIC],
		]) {
			const mcp = handler({ onError });
			for (const address of addresses) {
				const { status } = await mcp.fetch(initialize(address), {});
				expect(status).toBe(address === LOCAL ? 200 : 500);
			}
		}
		expect(errors).toEqual([
			'[tmcp-sessions/http] session ids need a key that all isolates share; got none. Set the ' +
				'environment variable TMCP_SESSION_KEYS to the output of: openssl rand -base64 32',
		]);
		expect(warned.mock.calls).toEqual([
			[expect.stringContaining('export "TMCP_SESSION_KEYS=$(openssl rand -base64 32)"')],
		]);
	});

	it('that were generated are the same for all handlers of a process', async () => {
		vi.spyOn(console, 'warn').mockImplementation(() => {});
		const opened = await handler({}).fetch(initialize(LOCAL), {});
		const session = opened.headers.get('mcp-session-id') ?? '';
		expect((await handler({}).fetch(ping(LOCAL, session), {})).status).toBe(200);
	});

	it('must be a text, so that no binding of another kind counts as missing', async () => {
		const errors: string[] = [];
		const onError = ({ message }: Error): void => void errors.push(message);
		const env = { TMCP_SESSION_KEYS: { get: () => KEY } };
		const response = await handler({ onError }).fetch(initialize(LOCAL), env);
		expect(response.status).toBe(500);
		expect(errors).toEqual([
			expect.stringContaining('TMCP_SESSION_KEYS must be a text; got object'),
		]);
	});

	it('are rejected at construction if they are too short', () => {
		expect(() => handler({ sessionKeys: ['hunter2'] })).toThrow('at least 32 characters');
		expect(() => handler({ sessionKeys: [] })).toThrow('got none');
	});

	it('are rejected at construction if they are one text', () => {
		// Wrong on purpose, as in JavaScript.
		const sessionKeys = KEY as unknown as string[];
		expect(() => handler({ sessionKeys })).toThrow(
			'sessionKeys must be a list of texts; got string. Write [key]',
		);
	});

	it.each([
		['undefined', undefined],
		['null', null],
		['object', { get: () => KEY }],
	])('are rejected at construction if one of them is %s', (found, entry) => {
		// Wrong on purpose, as in JavaScript.
		const sessionKeys = [KEY, entry] as string[];
		const expected = `[tmcp-sessions/http] sessionKeys[1] must be a text; got ${found}. A variable that is not set is undefined, and so is a secret that "secrets": { "required": […] } of wrangler.jsonc does not declare`;
		expect(() => handler({ sessionKeys })).toThrow(
			expect.objectContaining({ code: 'configuration', message: expected }),
		);
	});
});

describe('what is passed in place of something else', () => {
	it('is named if it is a manager of another option', () => {
		const streams = new InMemoryStreamSessionManager();
		// Wrong on purpose, as in JavaScript.
		const swapped = { info: streams as object } as McpHandlerOptions;
		expect(() => handler(swapped)).toThrow(
			'the option info needs an info session manager; got a InMemoryStreamSessionManager',
		);
		const server = new McpServer(
			{ name: 'test', version: '1.0.0' },
			{ adapter: undefined, capabilities: {} },
		);
		expect(() => createSseHandler(server, swapped as object)).toThrow(
			'the option info needs an info session manager; got a InMemoryStreamSessionManager',
		);
	});

	it('is named if it is the request object of a framework', async () => {
		// Wrong on purpose: `c.req` of Hono.
		const wrapped = { raw: ping('http://localhost/mcp', '') } as unknown as Request;
		await expect(handler({}).fetch(wrapped)).rejects.toThrow('In Hono pass c.req.raw');
	});
});

describe('L8 origin-validation: hosts and origins', () => {
	it.each([
		[['https://example.com'], 'allowedHosts must hold hosts such as'],
		[['example.com/mcp'], 'allowedHosts must hold hosts such as'],
		[[''], 'allowedHosts must hold hosts such as'],
	])('rejects %j as allowedHosts at construction', (allowedHosts, message) => {
		expect(() => handler({ allowedHosts })).toThrow(message);
	});

	it.each(['', 'example.com', 'app'])('rejects %j as cors at construction', (cors) => {
		expect(() => handler({ cors })).toThrow('cors must be true, or hold origins such as');
	});

	it.each([
		[{ allowedHosts: ['MCP.Example.com:443'] }, PUBLIC, undefined, 200],
		[{ allowedHosts: ['other.example.com'] }, PUBLIC, undefined, 403],
		[{ allowedHosts: ['other.example.com'] }, LOCAL, undefined, 200],
		[{ allowedHosts: ['10.0.0.1:8080'] }, 'http://10.0.0.1:8080/mcp', undefined, 200],
		[{}, 'http://10.0.0.1:8080/mcp', undefined, 403],
		[{ cors: ['https://App.example.com/'] }, PUBLIC, 'https://app.example.com', 200],
		[{ cors: ['https://app.example.com'] }, PUBLIC, 'https://app.example.com:444', 403],
		[{}, LOCAL, 'http://localhost:6274', 200],
		[{}, LOCAL, 'capacitor://localhost', 403],
		[{}, LOCAL, 'null', 403],
		[{}, PUBLIC, 'http://localhost:6274', 403],
	])(
		'with %j, answers a request to %s from the origin %s with %i',
		async (options, address, origin, status) => {
			const mcp = handler({ sessionKeys: [KEY], ...options });
			const response = await mcp.fetch(initialize(address, origin === undefined ? {} : { origin }));
			expect(response.status).toBe(status);
		},
	);
});

describe('an option with an old name', () => {
	const server = (): McpServer =>
		new McpServer({ name: 'test', version: '1.0.0' }, { adapter: undefined, capabilities: {} });
	const managers = { info, streams: new InMemoryStreamSessionManager() };
	const creators: [name: string, create: (options: object) => unknown][] = [
		['createMcpHandler', (options) => createMcpHandler(server(), options)],
		['composeHandler', (options) => composeHandler(server(), options, {})],
		['createCallRunner', (options) => createCallRunner(server(), { ...managers, ...options })],
		['createSseHandler', (options) => createSseHandler(server(), options)],
		[
			'createLegacySse in a Worker',
			(options) => createLegacySse().composeHandler(server(), options, {}),
		],
		[
			'createLegacySse in an object',
			(options) => createLegacySse().createCallRunner(server(), { ...managers, ...options }),
		],
	];

	describe.each(creators)('makes %s throw an error with the new name', (_name, create) => {
		it.each([
			['allowedOrigins', 'cors'],
			['answerSeconds', 'clientResponseTimeoutSeconds'],
			['heartbeatSeconds', 'keepAliveSeconds'],
		])('for %s', (oldName, newName) => {
			const value = newName === 'cors' ? ['https://app.example'] : 20;
			expect(() => create({ [oldName]: value })).toThrow(
				expect.objectContaining({
					code: 'configuration',
					message: `[tmcp-sessions/http] the option ${oldName} is now called ${newName}: rename it`,
				}),
			);
			expect(() => create({ [newName]: value })).not.toThrow();
		});
	});
});
