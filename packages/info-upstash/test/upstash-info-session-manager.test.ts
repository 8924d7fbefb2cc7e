import { InfoSessionManager } from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import { Redis } from '@upstash/redis';
import { McpServer } from 'tmcp';
import { expect, describe, it } from 'vitest';
import { UpstashInfoSessionManager } from '../src/index.ts';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();
const clientInfo = { name: 'a client', version: '1.2.3' };
const capabilities = { roots: { listChanged: true } };

/** A manager as another process would have it. */
function manager(): UpstashInfoSessionManager {
	return new UpstashInfoSessionManager({ redis: new Redis(redis()) });
}

function transportOf(info: UpstashInfoSessionManager): HttpTransport {
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{ adapter: undefined, capabilities: { logging: {} } },
	);
	return new HttpTransport(server, { path: '/mcp', sessionManager: { info } });
}

/** POSTs a message of the session era, reads the answer to its end and gives the session's id. */
async function post(transport: HttpTransport, message: object, session?: string): Promise<string> {
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
	expect(response?.status).toBe(200);
	await response?.text();
	return response?.headers.get('mcp-session-id') ?? '';
}

function initialize(transport: HttpTransport): Promise<string> {
	const params = { protocolVersion: '2025-06-18', capabilities, clientInfo };
	return post(transport, { id: 1, method: 'initialize', params });
}

describe('UpstashInfoSessionManager', () => {
	it("is tmcp's InfoSessionManager, and sends nothing before its first use", () => {
		redis().takeRequests();
		expect(manager()).toBeInstanceOf(InfoSessionManager);
		expect(redis().takeRequests()).toEqual([]);
	});

	it('shows another process what the client said of itself at initialize, and the log level', async () => {
		const info = manager();
		const session = await initialize(transportOf(info));
		await info.flush(session);
		const setLevel = { id: 2, method: 'logging/setLevel', params: { level: 'debug' } };
		const second = manager();
		await post(transportOf(second), setLevel, session);
		await second.flush(session);
		expect(await manager().getLogLevel(session)).toBe('debug');
		expect(await manager().getClientInfo(session)).toEqual(clientInfo);
		expect(await manager().getClientCapabilities(session)).toEqual(capabilities);
	});

	it('sends 1 HTTP request for initialize and 1 for another request', async () => {
		const info = manager();
		redis().takeRequests();
		const session = await initialize(transportOf(info));
		await info.flush(session);
		expect(redis().takeRequests()).toEqual([{ path: '/pipeline', commands: ['EVAL'] }]);
		await post(transportOf(manager()), { id: 2, method: 'ping' }, session);
		expect(redis().takeRequests()).toEqual([{ path: '/pipeline', commands: ['GETEX'] }]);
	});

	it('forgets a session and its subscriptions, once it was ended elsewhere', async () => {
		const info = manager();
		const session = await initialize(transportOf(info));
		info.addSubscription(session, 'test://a');
		await info.flush(session);
		expect(await manager().getSubscriptions('test://a')).toEqual([session]);
		await manager().delete(session);
		expect(await manager().getClientInfo(session)).toBeUndefined();
		expect(await manager().getSubscriptions('test://a')).toEqual([]);
	});

	it('keeps to its prefix', async () => {
		const options = { redis: new Redis(redis()), prefix: 'a tenant:' };
		const info = new UpstashInfoSessionManager(options);
		const session = await initialize(transportOf(info));
		await info.flush(session);
		expect(await manager().getClientInfo(session)).toBeUndefined();
		expect(await new UpstashInfoSessionManager(options).getClientInfo(session)).toEqual(clientInfo);
	});
});
