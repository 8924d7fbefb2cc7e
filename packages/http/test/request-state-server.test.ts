import { InMemorySessionStore } from '@tmcp-sessions/core';
import { runInScope } from '@tmcp-sessions/core/internal';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { HttpTransport } from '@tmcp/transport-http';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

import { createRequestStateCodec } from '../src/request-state/codec.ts';
import type { RequestStateCodecOptions } from '../src/request-state/codec.ts';
import { KEY, INVALID_STATE } from './request-states.ts';

const STATELESS = '2026-07-28';

/** The response to a stateless request. */
interface RpcResponse {
	readonly result?: {
		readonly resultType?: string;
		readonly requestState?: string;
		readonly content?: readonly { readonly text: string }[];
	};
	readonly error?: { readonly code: number; readonly message: string };
}

/** Creates a server and transport, as in its own isolate, whose tool elicits twice. */
function createIsolate(
	options: Partial<RequestStateCodecOptions> = {},
): (principal: string, params: object) => Promise<RpcResponse> {
	const server = new McpServer<v.GenericSchema>(
		{ name: 'bank', version: '1.0.0' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: { tools: {} },
			requestStateCodec: createRequestStateCodec({ keys: [KEY], ...options }),
		},
	);
	server.tool(
		{
			name: 'pay',
			description: 'Elicits twice, then pays',
			replayable: true,
			schema: v.object({ to: v.string(), tags: v.array(v.string()) }),
		},
		async ({ to }) => {
			server.setRequestState({ quote: 'a secret quote' });
			const sure = await server.elicitation('Sure?', v.object({ yes: v.boolean() }), {
				key: 'sure',
			});
			const really = await server.elicitation('Really?', v.object({ yes: v.boolean() }), {
				key: 'really',
			});
			return tool.text(`to ${to}: ${sure.action}, ${really.action}`);
		},
	);
	const transport = new HttpTransport(server, { path: '/mcp' });
	return async (principal, params) => {
		const metadata = {
			'io.modelcontextprotocol/protocolVersion': STATELESS,
			'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
			'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
		};
		const body = JSON.stringify({
			jsonrpc: '2.0',
			id: 1,
			method: 'tools/call',
			params: { name: 'pay', ...params, _meta: metadata },
		});
		const request = new Request('https://example.com/mcp', {
			method: 'POST',
			headers: {
				accept: 'application/json, text/event-stream',
				'content-type': 'application/json',
				'mcp-protocol-version': STATELESS,
				'mcp-method': 'tools/call',
				'mcp-name': 'pay',
			},
			body,
		});
		const scope = { waitUntil: () => {}, principal, message: JSON.parse(body) as unknown };
		const response = await runInScope(scope, () => transport.respond(request));
		const text = (await response?.text()) ?? '';
		// Safe because the body is one JSON-RPC response, as JSON or in one event.
		return JSON.parse(text.replace(/^[^{]*/, '')) as RpcResponse;
	};
}

const BOB = { arguments: { to: 'bob', tags: ['rent'] } };
const YES = { action: 'accept', content: { yes: true } };

/** Returns the sealed state of a response that requires input. */
function stateOf({ result, error }: RpcResponse): string {
	expect(error).toBeUndefined();
	expect(result?.resultType).toBe('input_required');
	return result?.requestState ?? expect.fail('expected a request state');
}

describe('M10 sealed-request-state: a tool that elicits twice, each round in another isolate', () => {
	it('accepts the state only from the same principal, with the same arguments, unchanged and once', async () => {
		const singleUse = new InMemorySessionStore();
		const [a, b, c] = [
			createIsolate({ singleUse }),
			createIsolate({ singleUse }),
			createIsolate({ singleUse }),
		];
		const first = stateOf(await a('alice', BOB));
		const second = stateOf(
			await b('alice', { ...BOB, requestState: first, inputResponses: { sure: YES } }),
		);
		const inputs = { requestState: second, inputResponses: { really: YES } };
		for (const rejected of [
			c('eve', { ...BOB, ...inputs }),
			c('alice', { arguments: { to: 'eve', tags: ['rent'] }, ...inputs }),
			c('alice', { ...BOB, ...inputs, requestState: second.slice(0, -1) }),
			c('alice', { ...BOB, ...inputs, requestState: first }),
		]) {
			expect((await rejected).error).toEqual({
				code: -32602,
				message: `MCP error -32602: Invalid "requestState": the configured codec failed to decode it (${INVALID_STATE.message})`,
			});
		}
		const { result } = await c('alice', { ...BOB, ...inputs });
		expect(result?.content).toEqual([{ type: 'text', text: 'to bob: accept, accept' }]);
	});
});
