import { InfoSessionManager } from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import { countedDurableObject, ObjectCallCounter } from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { McpServer } from 'tmcp';
import { afterEach, describe, expect, it } from 'vitest';
import { DurableObjectInfoSessionManager } from '../src/index.ts';
import { evictAll, homeOf, namespace, SHARDS } from './shards.ts';

// Made at module scope, as a Worker makes it.
const atModuleScope = new DurableObjectInfoSessionManager();
const errors: Error[] = [];
const onError = (error: Error): void => void errors.push(error);
const missing = new DurableObjectInfoSessionManager('MISSING', { onError });

const clientInfo = { name: 'a client', version: '1.2.3' };
const capabilities = { roots: { listChanged: true } };

/** POSTs a message of the session era and reads the answer to its end. */
async function post(
	transport: HttpTransport,
	message: object,
	session?: string,
): Promise<{ status: number; session: string; text: string }> {
	const response = await transport.respond(
		new Request('https://example.com/mcp', {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				accept: 'application/json, text/event-stream',
				...(session !== undefined && { 'mcp-session-id': session }),
			},
			body: JSON.stringify({ jsonrpc: '2.0', ...message }),
		}),
	);
	return {
		status: response?.status ?? 0,
		session: response?.headers.get('mcp-session-id') ?? '',
		text: (await response?.text()) ?? '',
	};
}

function initialize(transport: HttpTransport): ReturnType<typeof post> {
	const params = { protocolVersion: '2025-06-18', capabilities, clientInfo };
	return post(transport, { id: 1, method: 'initialize', params });
}

function transportOf(info: DurableObjectInfoSessionManager): HttpTransport {
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{ adapter: undefined, capabilities: { logging: {} } },
	);
	return new HttpTransport(server, { path: '/mcp', sessionManager: { info } });
}

describe('DurableObjectInfoSessionManager', () => {
	afterEach(() => {
		errors.length = 0;
	});

	it("is tmcp's InfoSessionManager", () => {
		expect(atModuleScope).toBeInstanceOf(InfoSessionManager);
	});

	it('shows another isolate, after an eviction, what the client said at initialize, and the log level', async () => {
		const options = { shards: SHARDS, onError };
		const here = new DurableObjectInfoSessionManager('TMCP_SESSION_OBJECT', options);
		const { session } = await initialize(transportOf(here));
		await here.flush(session);
		await evictAll();
		const elsewhere = new DurableObjectInfoSessionManager(namespace, options);
		await post(
			transportOf(elsewhere),
			{ id: 2, method: 'logging/setLevel', params: { level: 'debug' } },
			session,
		);
		await elsewhere.flush(session);
		await evictAll();
		expect(await here.getLogLevel(session)).toBe('debug');
		expect(await here.getClientInfo(session)).toEqual(clientInfo);
		expect(await here.getClientCapabilities(session)).toEqual(capabilities);
		expect(errors).toEqual([]);
	});

	it('makes 1 call for initialize, 1 for a request and 1 more for a log level', async () => {
		const counter = new ObjectCallCounter();
		const info = (): DurableObjectInfoSessionManager =>
			new DurableObjectInfoSessionManager(countedDurableObject(namespace, counter));
		const first = info();
		const { session } = await initialize(transportOf(first));
		await first.flush(session);
		expect(counter.take()).toEqual(['create']);

		await post(transportOf(info()), { id: 2, method: 'ping' }, session);
		expect(counter.take()).toEqual(['read']);

		const other = info();
		const params = { level: 'error' };
		await post(transportOf(other), { id: 3, method: 'logging/setLevel', params }, session);
		await other.flush(session);
		expect(counter.take()).toEqual(['read', 'update']);
	});

	it('knows the subscribers of a resource everywhere, until they leave or end', async () => {
		const uri = `test://${crypto.randomUUID()}`;
		const here = new DurableObjectInfoSessionManager(namespace, { onError });
		const sessions = [1, 2, 3].map(() => crypto.randomUUID());
		for (const session of sessions) {
			here.setClientInfo(session, clientInfo);
			await here.flush(session);
			here.addSubscription(session, uri);
			await here.flush(session);
		}
		expect((await atModuleScope.getSubscriptions(uri)).toSorted()).toEqual(sessions.toSorted());
		const [leaves = '', ends = '', stays = ''] = sessions;
		here.removeSubscription(leaves, uri);
		await here.flush(leaves);
		await here.delete(ends);
		expect(await atModuleScope.getSubscriptions(uri)).toEqual([stays]);
		expect(errors).toEqual([]);
	});

	it('refuses, and reports, what is asked of a session that was ended elsewhere', async () => {
		const here = new DurableObjectInfoSessionManager(namespace, { onError });
		const { session } = await initialize(transportOf(here));
		await here.flush(session);
		await atModuleScope.delete(session);
		expect(await here.getClientInfo(session)).toBeUndefined();
		here.setLogLevel(session, 'debug');
		await expect(here.flush(session)).rejects.toMatchObject({ name: 'UnknownSessionError' });
		expect(errors.map(({ name }) => name)).toEqual(['UnknownSessionError']);
		expect(await atModuleScope.getLogLevel(session)).toBeUndefined();
	});

	it('reports a corrupt record and takes the session for unknown', async () => {
		const info = new DurableObjectInfoSessionManager(namespace, { onError, shards: SHARDS });
		const session = crypto.randomUUID();
		await homeOf(session).create(session, '{"logLevel":"debug"', Date.now() + 60_000);
		expect(await info.getLogLevel(session)).toBeUndefined();
		expect(errors.map(({ name }) => name)).toEqual(['CorruptRecordError']);
		await runInDurableObject(homeOf(session), async (object) => {
			expect(await object.update(session, {}, Date.now())).toMatchObject({ outcome: 'corrupt' });
		});
	});

	it('reports a missing binding at the first use, from a setter too', async () => {
		expect(errors).toEqual([]);
		missing.setClientInfo('a', clientInfo);
		await expect(missing.flush('a')).rejects.toMatchObject({ name: 'BindingError' });
		expect(errors.map(({ name }) => name)).toEqual(['BindingError']);
		expect(errors[0]?.message).toContain(
			'the binding MISSING should be a Durable Object namespace',
		);
	});
});
