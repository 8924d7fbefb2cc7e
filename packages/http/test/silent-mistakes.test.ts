import { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createMcpHandler } from '@tmcp-sessions/http';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DevWorker, LOCAL, PUBLIC } from './dev-worker.ts';
import { INITIALIZE } from './local-handler.ts';

const worker = new DevWorker('mistaken-worker.ts');
beforeAll(() =>
	worker.start({
		durableObjects: { RETURNS_SDK: 'ReturnsSdk', WRAPS_SDK: 'WrapsSdk', MISSPELT: 'Misspelt' },
	}),
);
afterAll(() => worker.stop());

const logged = (text: string): string[] => worker.lines.filter((line) => line.includes(text));

describe('a handler that is created in each request', () => {
	it('is warned of once, at the second request', async () => {
		await worker.fetch('POST', LOCAL, '/per-request');
		expect(logged('was called in a request')).toEqual([]);
		for (let count = 0; count < 3; count++) await worker.fetch('POST', LOCAL, '/per-request');
		expect(logged('createMcpHandler was called in a request again')).toEqual([
			expect.stringMatching(
				/^\[workerd warn\] .*Call it once, at module scope, and use the result in fetch$/,
			),
		]);
	});

	it('is not warned of if it is kept after the first one', async () => {
		const before = worker.lines.length;
		for (let count = 0; count < 3; count++) await worker.fetch('POST', LOCAL, '/at-first-request');
		expect(worker.lines.slice(before)).toEqual([]);
	});
});

describe('sessions without a stream manager', () => {
	it('are warned of once on Workers, with what to set', async () => {
		for (let count = 0; count < 2; count++) await worker.fetch('POST', LOCAL, '/without-streams');
		expect(logged('createMcpHandler has info and no streams')).toEqual([
			expect.stringContaining('Set streams to new DurableObjectStreamSessionManager()'),
		]);
	});
});

describe('an error of a callback', () => {
	const EXPLAINED = 'Internal error: the callback broke';
	const FORWARDED = [
		{ 'x-forwarded-for': '203.0.113.7' },
		{ forwarded: 'for=203.0.113.7' },
		{ 'cf-connecting-ip': '203.0.113.7' },
	];

	it.each(['/principal', '/verify', '/context'])(
		'is explained to a client on this machine, and to no other: %s',
		async (path) => {
			const local = await worker.fetch('POST', LOCAL, path);
			expect([local.status, local.message]).toEqual([500, EXPLAINED]);
			const others = [await worker.fetch('POST', PUBLIC, path)];
			for (const headers of FORWARDED) {
				others.push(await worker.fetch('POST', LOCAL, path, undefined, INITIALIZE, headers));
			}
			expect(others.map(({ message }) => message)).toEqual(others.map(() => 'Internal error'));
		},
	);
});

describe('a server of another library', () => {
	it.each([
		[
			'returns-sdk',
			'createServer of a SessionObject needs a McpServer of tmcp; got a server of the official SDK. Return sdkServer',
		],
		[
			'wraps-sdk',
			'the factory of sdkServer must return a McpServer of @modelcontextprotocol/server 2.x; got one of @modelcontextprotocol/sdk 1.x: run npm i',
		],
		['misspelt', 'settings has no option lifetimes; did you mean lifetime?'],
	])('is explained to a client on this machine, and to no other: /%s', async (name, expected) => {
		const { message, status } = await worker.fetch('POST', LOCAL, `/${name}`);
		expect([status, message]).toEqual([500, expect.stringContaining(expected)]);
		const { message: publicMessage } = await worker.fetch('POST', PUBLIC, `/${name}`);
		expect(publicMessage).toBe('The server is misconfigured; its log says how to fix it');
		expect(logged(expected)).toHaveLength(1);
	});

	it.each([
		[new OldServer({ name: 'old', version: '1.0.0' }), 'a server of the official SDK'],
		[Promise.resolve(), 'a promise: await it'],
		[undefined, 'undefined'],
		[{}, 'object'],
	])('is rejected by the handlers: %o', (server, found) => {
		// Wrong on purpose, as in JavaScript.
		const wrong = server as unknown as Parameters<typeof createMcpHandler>[0];
		expect(() => createMcpHandler(wrong)).toThrow(
			`createMcpHandler needs a McpServer of tmcp; got ${found}`,
		);
		expect(() => createSseHandler(wrong)).toThrow(
			`createSseHandler needs a McpServer of tmcp; got ${found}`,
		);
	});
});
