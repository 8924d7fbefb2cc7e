import { InMemorySessionStore, StoredInfoSessionManager, StoreError } from '@tmcp-sessions/core';
import type { SessionRecord } from '@tmcp-sessions/core/backend';
import type { McpHandler } from '@tmcp-sessions/http';
import { HttpTransport } from '@tmcp/transport-http';
import type { McpServer } from 'tmcp';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { createServer, INITIALIZE, internalIdOf, open, post, setUp } from './local-handler.ts';

const ACCEPT = 'application/json, text/event-stream';

/** @param isDelayed makes the server take longer than a turn, so that every call needs the transport. */
function withTools(isDelayed: boolean): McpHandler {
	const { mcp, server } = setUp({}, isDelayed ? delayed(createServer()) : undefined);
	const textResult = (text: string): { content: { type: 'text'; text: string }[] } => ({
		content: [{ type: 'text', text }],
	});
	server.tool({ name: 'quick', description: 'Returns at once' }, () => textResult('done'));
	server.tool({ name: 'reporting', description: 'Reports progress and returns at once' }, () => {
		server.progress(1, 2);
		server.progress(2, 2);
		return textResult('done');
	});
	server.tool({ name: 'slow', description: 'Reports progress for a while' }, async () => {
		server.progress(1, 3);
		await new Promise((resolve) => setTimeout(resolve, 20));
		server.progress(2, 3);
		return textResult('done');
	});
	return mcp;
}

function delayed(server: McpServer): McpServer {
	const receive = server.receive.bind(server);
	server.receive = async (...received) => {
		await new Promise((resolve) => setTimeout(resolve, 1));
		return receive(...received);
	};
	return server;
}

function send(mcp: McpHandler, message: object, session: string): Promise<Response> {
	return mcp.fetch(post(message, session, ACCEPT));
}

/** Returns the response to a call, without the session id. */
async function responseTo(name: string, isDelayed: boolean): Promise<object> {
	const mcp = withTools(isDelayed);
	const session = await open(mcp, ACCEPT);
	const params = { name, _meta: { progressToken: 'p' } };
	const method = name === 'rejected' ? 'prompts/get' : 'tools/call';
	const response = await send(mcp, { id: 1, method, params }, session);
	const isError = name === 'rejected' || name === 'unknown';
	expect(response.headers.get('mcp-session-id')).toBe(isError ? null : session);
	return {
		status: response.status,
		headers: [...response.headers].filter(([header]) => header !== 'mcp-session-id'),
		body: await response.text(),
	};
}

describe('a direct call, which bypasses the transport', () => {
	afterEach(() => {
		vi.restoreAllMocks();
	});

	it.each(['quick', 'reporting', 'slow', 'unknown', 'rejected'])(
		'has the same response as through the transport: %s',
		async (name) => {
			expect(await responseTo(name, false)).toEqual(await responseTo(name, true));
		},
	);

	it('is only a call that returns at once and sends no notification', async () => {
		const respond = vi.spyOn(HttpTransport.prototype, 'respond');
		const mcp = withTools(false);
		const session = await open(mcp, ACCEPT);
		const countTransported = async (name: string): Promise<number> => {
			respond.mockClear();
			const params = { name, _meta: { progressToken: 'p' } };
			await (await send(mcp, { id: 1, method: 'tools/call', params }, session)).text();
			return respond.mock.calls.length;
		};
		expect(await countTransported('quick')).toBe(0);
		expect(await countTransported('reporting')).toBe(1);
		expect(await countTransported('slow')).toBe(1);
	});
});

/** Takes its time to create a record, as a store of another machine does. */
class SlowStore extends InMemorySessionStore {
	readonly #ms: number;
	failure: Error | undefined;

	constructor(ms: number) {
		super();
		this.#ms = ms;
	}

	override async create(id: string, record: SessionRecord): Promise<void> {
		await new Promise((resolve) => setTimeout(resolve, this.#ms));
		if (this.failure) throw this.failure;
		await super.create(id, record);
	}
}

describe('initialize', () => {
	afterEach(() => {
		vi.restoreAllMocks();
	});

	const initialize = (mcp: McpHandler): Promise<Response> =>
		mcp.fetch(post(INITIALIZE, undefined, ACCEPT));
	const overStore = (
		store: SlowStore,
		options: { keepAliveSeconds?: number } = {},
		server = createServer(),
	) => {
		const info = new StoredInfoSessionManager(store, { onError: () => {} });
		return { ...setUp({ info, ...options }, server), info };
	};

	it('bypasses the transport, and is answered after the store has the session', async () => {
		const respond = vi.spyOn(HttpTransport.prototype, 'respond');
		const store = new SlowStore(20);
		const { mcp, info, errors } = overStore(store);
		const response = await initialize(mcp);
		const session = response.headers.get('mcp-session-id') ?? '';
		expect(await store.read(internalIdOf(session))).toMatchObject({
			clientInfo: INITIALIZE.params.clientInfo,
			clientCapabilities: {},
		});
		expect(await info.getClientInfo(internalIdOf(session))).toEqual(INITIALIZE.params.clientInfo);
		expect(await response.text()).toContain('"serverInfo"');
		expect(respond).not.toHaveBeenCalled();
		expect(errors).toEqual([]);
	});

	it('has the same response as through the transport', async () => {
		const responseOf = async (mcp: McpHandler): Promise<object> => {
			const response = await initialize(mcp);
			const headers = new Headers(response.headers);
			expect(headers.get('mcp-session-id')).toMatch(/^1\.0\./);
			headers.delete('mcp-session-id');
			return { status: response.status, headers: [...headers], body: await response.text() };
		};
		const respond = vi.spyOn(HttpTransport.prototype, 'respond');
		const direct = await responseOf(setUp().mcp);
		expect(respond).not.toHaveBeenCalled();
		// The handler keeps the client waiting for no longer than this without a byte.
		const slow = overStore(new SlowStore(120), { keepAliveSeconds: 0.05 });
		const { body, ...transported } = Object(await responseOf(slow.mcp)) as { body: string };
		expect(respond).toHaveBeenCalledOnce();
		expect(body).toMatch(/^: /);
		expect({ ...transported, body: body.replaceAll(/^: .*\n/gm, '') }).toEqual(direct);
	});

	it('sends what the server sends before its response first, and stores the session', async () => {
		const store = new SlowStore(20);
		const server = createServer();
		const { mcp } = overStore(store, {}, server);
		server.on('initialize', () => {
			server.progress(1, 2, 'opening');
		});
		const params = { ...INITIALIZE.params, _meta: { progressToken: 'p' } };
		const response = await mcp.fetch(post({ ...INITIALIZE, params }, undefined, ACCEPT));
		const text = await response.text();
		expect(text.indexOf('opening')).toBeGreaterThan(0);
		expect(text.indexOf('"serverInfo"')).toBeGreaterThan(text.indexOf('opening'));
		const session = internalIdOf(response.headers.get('mcp-session-id') ?? '');
		expect(await store.read(session)).toMatchObject({ clientInfo: INITIALIZE.params.clientInfo });
	});

	it('responds 503 without a session id if the store fails', async () => {
		const store = new SlowStore(5);
		store.failure = new StoreError('core', 'create a session', 'down');
		const { mcp } = overStore(store);
		const response = await initialize(mcp);
		expect(response.status).toBe(503);
		expect(response.headers.get('mcp-session-id')).toBe(null);
	});

	it('opens a session for each transport of a server, and none for the others', async () => {
		const server = createServer();
		const [one, other] = [new SlowStore(1), new SlowStore(1)];
		const first = overStore(one, {}, server);
		overStore(other, {}, server);
		const response = await initialize(first.mcp);
		const session = internalIdOf(response.headers.get('mcp-session-id') ?? '');
		expect(await one.read(session)).toBeDefined();
		expect(await other.read(session)).toBeUndefined();
	});
});
