import { StoreError } from '@tmcp-sessions/core';
import type { SingleUse } from '@tmcp-sessions/core/backend';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import { expect, it } from 'vitest';

import { createMcpHandler } from '../src/create-mcp-handler.ts';
import { createRequestStateCodec } from '../src/request-state/codec.ts';
import { KEY } from './request-states.ts';

const STATELESS = '2026-07-28';
const YES = { inputResponses: { sure: { action: 'accept', content: { yes: true } } } };

/** Creates a handler whose tool changes its arguments before it elicits. */
function setUp(singleUse?: SingleUse): {
	errors: Error[];
	call: (more?: object) => Promise<Outcome>;
} {
	const server = new McpServer<v.GenericSchema>(
		{ name: 'test', version: '1.0.0' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: { tools: {} },
			requestStateCodec: createRequestStateCodec({ keys: [KEY], singleUse }),
		},
	);
	const schema = v.object({ tags: v.any() });
	server.tool(
		{ name: 'tag', description: 'Elicits a confirmation', replayable: true, schema },
		async ({ tags }: { tags: string[] }) => {
			tags.push('more');
			server.setRequestState({ step: 1 });
			const confirmation = v.object({ yes: v.boolean() });
			const { action } = await server.elicitation('Sure?', confirmation, { key: 'sure' });
			return tool.text(`${tags.join()} ${action}`);
		},
	);
	const errors: Error[] = [];
	const mcp = createMcpHandler(server, { onError: (error) => void errors.push(error) });
	return { errors, call: async (more) => outcomeOf(await mcp.fetch(requestOf(more))) };
}

function requestOf(more: object = {}): Request {
	const _meta = {
		'io.modelcontextprotocol/protocolVersion': STATELESS,
		'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
		'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
	};
	const params = { name: 'tag', arguments: { tags: ['a'] }, ...more, _meta };
	return new Request('https://example.com/mcp', {
		method: 'POST',
		headers: {
			accept: 'application/json, text/event-stream',
			'content-type': 'application/json',
			'mcp-protocol-version': STATELESS,
			'mcp-method': 'tools/call',
			'mcp-name': 'tag',
		},
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
	});
}

/** The response to a call. */
interface Outcome {
	readonly status: number;
	readonly retryAfter: string | null;
	readonly text: string;
	readonly requestState: string | undefined;
}

async function outcomeOf(response: Response): Promise<Outcome> {
	const text = await response.text();
	const [, requestState] = /"requestState":"([^"]+)"/.exec(text) ?? [];
	return {
		status: response.status,
		retryAfter: response.headers.get('retry-after'),
		text,
		requestState,
	};
}

it('M10 sealed-request-state: binds a state to the arguments as sent, even if the tool mutates them', async () => {
	const { call, errors } = setUp();
	const { requestState } = await call();
	expect((await call({ requestState, ...YES })).text).toContain('a,more accept');
	expect(errors).toEqual([]);
});

it('M10 sealed-request-state: responds 503 if the single-use store is down, and reports the cause to onError', async () => {
	const down = new StoreError('core', 'claiming an id', 'secret of the backend');
	const { call, errors } = setUp({ claim: () => Promise.reject(down) });
	const { requestState } = await call();
	const outcome = await call({ requestState, ...YES });
	expect(outcome).toMatchObject({ status: 503, retryAfter: '5' });
	expect(outcome.text).not.toContain('secret of the backend');
	expect(errors).toEqual([down]);
});
