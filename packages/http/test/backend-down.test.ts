import { InMemorySessionStore, StoredInfoSessionManager, StoreError } from '@tmcp-sessions/core';
import { describe, expect, it } from 'vitest';
import { INITIALIZE, open, post, setUp, UnreachableStreams, URL_OF_MCP } from './local-handler.ts';

/** Creates an info manager whose store fails in one operation. */
function infoWithout(operation: 'create' | 'delete' | 'read'): StoredInfoSessionManager {
	const store = new InMemorySessionStore();
	store[operation] = (): Promise<never> =>
		Promise.reject(new StoreError('core', operation, 'secret of the backend'));
	return new StoredInfoSessionManager(store, { onError: () => {} });
}

describe('a backend outage', () => {
	it.each([
		['initialize', { info: infoWithout('create') }, () => post(INITIALIZE), 1],
		[
			'DELETE',
			{ info: infoWithout('delete') },
			(session: string) =>
				new Request(URL_OF_MCP, { method: 'DELETE', headers: { 'mcp-session-id': session } }),
			null,
		],
		[
			'a request that needs the session',
			{ info: infoWithout('read') },
			(session: string) => post({ id: 2, method: 'tools/list' }, session),
			2,
		],
		[
			'GET',
			{ streams: new UnreachableStreams() },
			(session: string) => new Request(URL_OF_MCP, { headers: { 'mcp-session-id': session } }),
			null,
		],
	])(
		'turns %s into a 503 with Retry-After, and reports the cause to onError',
		async (kind, options, request, id) => {
			const { mcp, errors } = setUp(options);
			const session = kind === 'initialize' ? '' : await open(mcp);
			const response = await mcp.fetch(request(session));
			expect(response.status).toBe(503);
			expect(response.headers.get('retry-after')).toBe('5');
			expect(response.headers.get('mcp-session-id')).toBeNull();
			const body = await response.text();
			expect(JSON.parse(body)).toEqual({
				jsonrpc: '2.0',
				id,
				error: {
					code: -32603,
					message: 'The server cannot reach its session storage; try again later',
				},
			});
			expect(errors.map(({ message }) => message).join()).toContain('secret of the backend');
		},
	);

	it('reports a rejected broadcast to onError without failing the call', async () => {
		const { mcp, server, errors } = setUp({ streams: new UnreachableStreams() });
		server.tool({ name: 'notify', description: 'Announces a list change' }, () => {
			server.changed('tools');
			return { content: [{ type: 'text', text: 'raised' }] };
		});
		const call = { id: 2, method: 'tools/call', params: { name: 'notify' } };
		const response = await mcp.fetch(post(call, await open(mcp)));
		expect(await response.text()).toContain('raised');
		await expect
			.poll(() => errors.map(({ message }) => message))
			.toEqual(['[tmcp-sessions/http] sending failed: secret of the backend']);
	});

	it('sends the error as a stream event if the status was already sent', async () => {
		const store = new InMemorySessionStore();
		const keptAlive = Promise.withResolvers<void>();
		store.create = async () => {
			await keptAlive.promise;
			throw new StoreError('core', 'storing', 'secret of the backend');
		};
		const info = new StoredInfoSessionManager(store, { onError: () => {} });
		const { mcp, errors } = setUp({ info, keepAliveSeconds: 0.02 });
		const response = await mcp.fetch(post(INITIALIZE));
		expect(response.status).toBe(200);
		const stream = response.body?.pipeThrough(new TextDecoderStream()).values();
		expect((await stream?.next())?.value).toContain(': keep-alive');
		keptAlive.resolve();
		let rest = '';
		for await (const text of stream ?? []) rest += text;
		const [, data = ''] = /^data: (.*)$/m.exec(rest) ?? [];
		expect(JSON.parse(data)).toEqual({
			jsonrpc: '2.0',
			id: 1,
			error: {
				code: -32603,
				message: 'The server cannot reach its session storage; try again later',
			},
		});
		await expect.poll(() => errors).toHaveLength(1);
	});

	it('still responds 503 if onError itself throws', async () => {
		const onError = (): never => {
			throw new Error('the reporter broke');
		};
		const { mcp } = setUp({ info: infoWithout('create'), onError });
		expect((await mcp.fetch(post(INITIALIZE))).status).toBe(503);
	});
});
