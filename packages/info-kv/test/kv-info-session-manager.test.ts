import { InfoSessionManager } from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import { countedKV, OperationCounter, rateLimitedKV } from '@tmcp-sessions/testkit';
import { McpServer } from 'tmcp';
import { afterEach, describe, expect, it } from 'vitest';
import { KVInfoSessionManager } from '../src/kv-info-session-manager.ts';
import { namespace } from './bindings.ts';

// Made at module scope, as a Worker makes it.
const atModuleScope = new KVInfoSessionManager();
const missing = new KVInfoSessionManager('MISSING', {
	onError: (error) => void errors.push(error),
});
const errors: Error[] = [];

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

function transportOf(info: KVInfoSessionManager): HttpTransport {
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{ adapter: undefined, capabilities: { logging: {} } },
	);
	return new HttpTransport(server, { path: '/mcp', sessionManager: { info } });
}

describe('KVInfoSessionManager', () => {
	afterEach(() => {
		errors.length = 0;
	});

	it("is tmcp's InfoSessionManager", () => {
		expect(atModuleScope).toBeInstanceOf(InfoSessionManager);
	});

	it('shows another isolate what the client said of itself at initialize, and the log level', async () => {
		const { session } = await initialize(transportOf(atModuleScope));
		await atModuleScope.flush(session);
		await post(
			transportOf(new KVInfoSessionManager()),
			{ id: 2, method: 'logging/setLevel', params: { level: 'debug' } },
			session,
		);
		// The other transport's manager writes in the background; the request that reads comes later.
		const elsewhere = (): KVInfoSessionManager => new KVInfoSessionManager();
		await expect.poll(() => elsewhere().getLogLevel(session)).toBe('debug');
		expect(await elsewhere().getClientInfo(session)).toEqual(clientInfo);
		expect(await elsewhere().getClientCapabilities(session)).toEqual(capabilities);
	});

	it('keeps a log level that is set at once after initialize, where KV takes one write a second', async () => {
		const info = new KVInfoSessionManager(rateLimitedKV(namespace, Date.now), {
			onError: (error) => void errors.push(error),
		});
		const transport = transportOf(info);
		const { session } = await initialize(transport);
		await post(
			transport,
			{ id: 2, method: 'logging/setLevel', params: { level: 'error' } },
			session,
		);
		expect(await info.getLogLevel(session)).toBe('error');
		await info.flush(session);
		expect(errors).toEqual([]);
		expect(await new KVInfoSessionManager().getLogLevel(session)).toBe('error');
	}, 10_000);

	it('asks 1 write of KV for initialize and 1 read for a request', async () => {
		const counter = new OperationCounter();
		const info = new KVInfoSessionManager(countedKV(namespace, counter));
		const { session } = await initialize(transportOf(info));
		await info.flush(session);
		expect(counter.take()).toEqual({ reads: 0, writes: 1, lists: 0, deletes: 0 });

		const other = transportOf(new KVInfoSessionManager(countedKV(namespace, counter)));
		await post(other, { id: 2, method: 'ping' }, session);
		expect(counter.take()).toEqual({ reads: 1, writes: 0, lists: 0, deletes: 0 });
	});

	it('forgets a session that was ended elsewhere', async () => {
		const transport = transportOf(new KVInfoSessionManager());
		const { session } = await initialize(transport);
		await atModuleScope.delete(session);
		expect(await new KVInfoSessionManager().getClientInfo(session)).toBeUndefined();
	});

	it('reports a corrupt record and takes the session for unknown', async () => {
		const info = new KVInfoSessionManager('TMCP_SESSION_INFO', {
			onError: (error) => void errors.push(error),
		});
		const session = crypto.randomUUID();
		await namespace.put(`tmcp:session:${session}`, '{"logLevel":"debug"');
		expect(await info.getLogLevel(session)).toBeUndefined();
		expect(errors.map(({ name }) => name)).toEqual(['CorruptRecordError']);
	});

	it('reports a missing binding at the first use, from a setter too', async () => {
		expect(errors).toEqual([]);
		missing.setClientInfo('a', clientInfo);
		await expect(missing.flush('a')).rejects.toMatchObject({ name: 'BindingError' });
		expect(errors.map(({ name }) => name)).toEqual(['BindingError']);
		expect(errors[0]?.message).toContain('the binding MISSING should be a Workers KV namespace');
	});
});
