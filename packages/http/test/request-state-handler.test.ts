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

/** A handler whose tool changes its arguments before it asks. */
function setUp(singleUse?: SingleUse): {
	errors: Error[];
	call: (more?: object) => Promise<Answer>;
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
		{ name: 'tag', description: 'Asks', replayable: true, schema },
		async ({ tags }: { tags: string[] }) => {
			tags.push('more');
			server.setRequestState({ step: 1 });
			const answer = v.object({ yes: v.boolean() });
			const { action } = await server.elicitation('Sure?', answer, { key: 'sure' });
			return tool.text(`${tags.join()} ${action}`);
		},
	);
	const errors: Error[] = [];
	const mcp = createMcpHandler(server, { onError: (error) => void errors.push(error) });
	return { errors, call: async (more) => answerOf(await mcp.fetch(requestOf(more))) };
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

interface Answer {
	readonly status: number;
	readonly retryAfter: string | null;
	readonly text: string;
	readonly requestState: string | undefined;
}

async function answerOf(response: Response): Promise<Answer> {
	const text = await response.text();
	const [, requestState] = /"requestState":"([^"]+)"/.exec(text) ?? [];
	return {
		status: response.status,
		retryAfter: response.headers.get('retry-after'),
		text,
		requestState,
	};
}

it('M10 sealed-request-state: a state is bound to what the client sent, whatever a tool makes of its arguments', async () => {
	const { call, errors } = setUp();
	const { requestState } = await call();
	expect((await call({ requestState, ...YES })).text).toContain('a,more accept');
	expect(errors).toEqual([]);
});

it('M10 sealed-request-state: where the store of what was used is down, a state is a 503, and onError is told why', async () => {
	const down = new StoreError('core', 'claiming an id', 'secret of the backend');
	const { call, errors } = setUp({ claim: () => Promise.reject(down) });
	const { requestState } = await call();
	const answer = await call({ requestState, ...YES });
	expect(answer).toMatchObject({ status: 503, retryAfter: '5' });
	expect(answer.text).not.toContain('secret of the backend');
	expect(errors).toEqual([down]);
});
