import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandlerOptions } from '@tmcp-sessions/http';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

import { KEY } from './local-handler.ts';
import { PlatformClient } from './platform-client.ts';

interface Outcome {
	readonly text: string;
	readonly requestState: string;
}
type Call = (args?: object, input?: object) => Promise<Outcome>;

const YES = { sure: { action: 'accept', content: { yes: true } } };

/** Creates an isolate whose tool remembers an amount between two rounds, without a codec. */
function createIsolate(
	options: McpHandlerOptions,
	env: unknown = {},
	serverOptions: object = {},
): Call {
	const server = new McpServer<v.GenericSchema>(
		{ name: 'bank', version: '1' },
		{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} }, ...serverOptions },
	);
	const schema = v.object({ amount: v.number() });
	server.tool(
		{ name: 'pay', description: 'Pays', schema, replayable: true },
		async ({ amount }) => {
			const { requestState } = server.ctx;
			server.setRequestState(requestState ?? { approved: amount });
			await server.elicitation('Sure?', v.object({ yes: v.boolean() }), { key: 'sure' });
			return tool.text(`paid: ${JSON.stringify(requestState)}`);
		},
	);
	const mcp = createMcpHandler(server, { onError: () => {}, ...options });
	const client = new PlatformClient({
		fetch: (request, _env, context) => mcp.fetch(request, env, context),
	});
	return async (args = { amount: 5 }, input = {}) => {
		const response = await client.postStateless('tools/call', {
			name: 'pay',
			arguments: args,
			...input,
		});
		await response.end();
		const [, requestState = ''] = /"requestState":("(?:[^"\\]|\\.)*")/.exec(response.text) ?? [];
		return {
			text: response.text,
			requestState: requestState && String(JSON.parse(requestState)),
		};
	};
}

const withSessions = (): McpHandlerOptions => ({
	info: new StoredInfoSessionManager(new InMemorySessionStore()),
	sessionKeys: [KEY],
});

describe('M10 sealed-request-state: without a codec, a request state', () => {
	it.each([
		['with sessions', withSessions(), {}],
		['with keys in the environment, without sessions', {}, { TMCP_SESSION_KEYS: KEY }],
	])('is sealed, and opens in another isolate: %s', async (_, options, env) => {
		const [a, b] = [createIsolate(options, env), createIsolate(options, env)];
		const { requestState } = await a();
		expect(requestState).toMatch(/^sealed\.[\w.-]+$/);
		expect(Buffer.from(requestState, 'base64url').toString()).not.toContain('approved');
		const paid = await b({ amount: 5 }, { requestState, inputResponses: YES });
		expect(paid.text).toContain(String.raw`paid: {\"approved\":5}`);
	});

	it('is rejected if the client wrote it, changed it, or sends it with other arguments', async () => {
		const call = createIsolate(withSessions());
		const { requestState } = await call();
		const forged = '{"version":1,"inputResponses":{},"state":{"approved":1000000}}';
		for (const state of [
			forged,
			` \n\t\r${forged}`,
			`sealed.${forged}`,
			`sealed.1.${requestState.slice(9, -1)}`,
			requestState.slice('sealed.'.length),
			'sealed.',
			'null',
			'[]',
		]) {
			const input = { requestState: state, inputResponses: YES };
			const { text } = await call({ amount: 5 }, input);
			expect(text, state).toMatch(/"code":-32602,"message":"[^"]*Invalid \\"requestState/);
		}
		const other = await call({ amount: 6 }, { requestState, inputResponses: YES });
		expect(other.text).toContain('"code":-32602');
	});

	it('is left to the codec of a server that has one', async () => {
		const requestStateCodec = {
			encode: (state: unknown) => `own.${btoa(JSON.stringify(state))}`,
			decode: (text: string) => JSON.parse(atob(text.slice(4))) as unknown,
		};
		const call = createIsolate(withSessions(), {}, { requestStateCodec });
		const { requestState } = await call();
		expect(requestState).toMatch(/^own\./);
		const paid = await call({ amount: 5 }, { requestState, inputResponses: YES });
		expect(paid.text).toContain('paid:');
	});
});
