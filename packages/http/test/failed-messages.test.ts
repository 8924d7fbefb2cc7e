import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { createMcpHandler } from '@tmcp-sessions/http';
import { McpServer } from 'tmcp';
import { prompt } from 'tmcp/utils';
import * as v from 'valibot';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { PlatformClient } from './platform-client.ts';

const LONG = 'x'.repeat(500_000);
const METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;

/** Creates a server whose handlers fail, and collects what is logged and reported. */
function setUp(): { client: PlatformClient; logged: unknown[][]; errors: Error[] } {
	const logged: unknown[][] = [];
	for (const method of METHODS) {
		vi.spyOn(console, method).mockImplementation((...data: unknown[]) => void logged.push(data));
	}
	const server = new McpServer<v.GenericSchema>(
		{ name: 'failing', version: '1' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: { tools: {}, prompts: {}, resources: {} },
		},
	);
	server.tool({ name: 'throw', description: 'Throws' }, () => {
		throw new Error(LONG, { cause: new Error(LONG) });
	});
	server.tool({ name: 'throw-briefly', description: 'Throws' }, () => {
		throw new TypeError('brief');
	});
	server.tool({ name: 'invalid', description: 'Returns an invalid result' }, () => {
		// Safe because the server rejects it.
		return { content: [{ type: LONG, text: LONG }] } as never;
	});
	const schema = v.object({ short: v.pipe(v.string(), v.maxLength(5)) });
	server.prompt({ name: 'short', description: 'Requires a short text', schema }, () =>
		prompt.message('short'),
	);
	const errors: Error[] = [];
	const mcp = createMcpHandler(server, { onError: (error) => void errors.push(error) });
	return { client: new PlatformClient(mcp), logged, errors };
}

/** Returns the number of characters that a log would show of an error. */
function lengthOf(error: Error): number {
	const { message, stack = '', cause } = error;
	const parts = [message, stack, JSON.stringify(Object.values(error)), String(cause)];
	return parts.join('').length;
}

afterEach(() => {
	vi.restoreAllMocks();
});

describe('a message that fails', () => {
	it.each([
		['tools/call', { name: 'throw' }],
		['tools/call', { name: 'invalid' }],
		['prompts/get', { name: 'short', arguments: { short: LONG } }],
		['prompts/get', { name: 'none' }],
		['resources/read', { uri: 'test://none' }],
	])('is reported to onError, bounded, and not printed: %s', async (method, params) => {
		const { client, logged, errors } = setUp();
		const response = await client.post('', { id: 1, method, params });
		await response.end();
		expect(response.text).toContain('"error"');
		expect(logged).toEqual([]);
		expect(errors).toHaveLength(1);
		for (const error of errors) expect(lengthOf(error)).toBeLessThan(20_000);
	});

	it('is reported with its method, and with the error that was thrown if that is short', async () => {
		const { client, errors } = setUp();
		const params = { name: 'throw-briefly' };
		await (await client.post('', { id: 1, method: 'tools/call', params })).end();
		const [error] = errors;
		expect(error?.message).toBe('[tmcp-sessions/http] tools/call failed: brief');
		expect(error).toMatchObject({ code: 'message', cause: new TypeError('brief') });
	});

	it('leaves other warnings to the console', () => {
		const { logged } = setUp();
		console.warn('An unexpected error occurred while executing "x" JSON-RPC method:', 'elsewhere');
		console.warn('a warning');
		expect(logged).toHaveLength(2);
	});
});
