import type { McpHandler } from '@tmcp-sessions/http';
import { HttpTransport } from '@tmcp/transport-http';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { open, post, setUp } from './local-handler.ts';

const ACCEPT = 'application/json, text/event-stream';

/** @param cors has the transport answer everything. */
function withTools(cors: boolean): McpHandler {
	const { mcp, server } = setUp({ cors });
	const text = (said: string): { content: { type: 'text'; text: string }[] } => ({
		content: [{ type: 'text', text: said }],
	});
	server.tool({ name: 'quick', description: 'Answers at once' }, () => text('done'));
	server.tool({ name: 'told', description: 'Says how far it is, and answers at once' }, () => {
		server.progress(1, 2);
		server.progress(2, 2);
		return text('done');
	});
	server.tool({ name: 'slow', description: 'Says how far it is, for a while' }, async () => {
		server.progress(1, 3);
		await new Promise((resolve) => setTimeout(resolve, 20));
		server.progress(2, 3);
		return text('done');
	});
	return mcp;
}

function send(mcp: McpHandler, message: object, session: string): Promise<Response> {
	return mcp.fetch(post(message, session, ACCEPT));
}

/** What a client sees of a call, but the session's id. */
async function called(name: string, cors: boolean): Promise<object> {
	const mcp = withTools(cors);
	const session = await open(mcp, ACCEPT);
	const params = { name, _meta: { progressToken: 'p' } };
	const method = name === 'refused' ? 'prompts/get' : 'tools/call';
	const response = await send(mcp, { id: 1, method, params }, session);
	expect(response.headers.get('mcp-session-id')).toBe(name === 'refused' ? null : session);
	const isOfCors = (header: string): boolean => header.startsWith('access-') || header === 'vary';
	return {
		status: response.status,
		headers: [...response.headers].filter(
			([header]) => header !== 'mcp-session-id' && !isOfCors(header),
		),
		body: await response.text(),
	};
}

describe('an answer that was not made by the transport', () => {
	afterEach(() => {
		vi.restoreAllMocks();
	});

	it.each(['quick', 'told', 'slow', 'unknown', 'refused'])(
		'is the one that the transport gives: of a tool that is %s',
		async (name) => {
			expect(await called(name, false)).toEqual(await called(name, true));
		},
	);

	it('is that of a call which is answered at once and says nothing else', async () => {
		const respond = vi.spyOn(HttpTransport.prototype, 'respond');
		const mcp = withTools(false);
		const session = await open(mcp, ACCEPT);
		const transported = async (name: string): Promise<number> => {
			respond.mockClear();
			const params = { name, _meta: { progressToken: 'p' } };
			await (await send(mcp, { id: 1, method: 'tools/call', params }, session)).text();
			return respond.mock.calls.length;
		};
		expect(await transported('quick')).toBe(0);
		expect(await transported('told')).toBe(1);
		expect(await transported('slow')).toBe(1);
	});
});
