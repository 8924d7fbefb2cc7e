import type { McpHandler, McpHandlerOptions, OAuthHelper } from '@tmcp-sessions/http';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import type { AuthInfo } from 'tmcp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createServer, INITIALIZE, KEY, post, setUp, URL_OF_MCP } from './local-handler.ts';

const STATELESS = '2026-07-28';

/** An authorization server that can revoke a token, give it to another user, or be down. */
class Authority implements OAuthHelper {
	subject: string | null = 'ann';
	failure: Error | undefined;
	requests = 0;

	async verify(request: Request): Promise<AuthInfo | null> {
		this.requests += 1;
		if (this.failure) throw this.failure;
		const token = request.headers.get('authorization');
		if (!token || this.subject === null) return null;
		return { token, clientId: 'app', scopes: [], extra: { subject: this.subject } };
	}
}

const principal: McpHandlerOptions['principal'] = (_request, auth) =>
	auth && { subject: String(auth.extra?.['subject']) };

function withToken(request: Request): Request {
	request.headers.set('authorization', 'Bearer secret');
	return request;
}

async function openSession(mcp: McpHandler): Promise<string> {
	const response = await mcp.fetch(withToken(post(INITIALIZE)));
	await response.text();
	return response.headers.get('mcp-session-id') ?? '';
}

function get(session: string): Request {
	return withToken(new Request(URL_OF_MCP, { headers: { 'mcp-session-id': session } }));
}

function listen(): Request {
	const metadata = {
		'io.modelcontextprotocol/protocolVersion': STATELESS,
		'io.modelcontextprotocol/clientCapabilities': {},
		'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
	};
	const params = { notifications: { toolsListChanged: true }, _meta: metadata };
	const request = post({ id: 1, method: 'subscriptions/listen', params });
	request.headers.set('accept', 'application/json, text/event-stream');
	request.headers.set('mcp-protocol-version', STATELESS);
	request.headers.set('mcp-method', 'subscriptions/listen');
	return withToken(request);
}

/** Reads a stream to its end. */
function readAll({ body }: Response): { text: string; hasEnded: boolean } {
	const stream = { text: '', hasEnded: false };
	const read = async (): Promise<void> => {
		const decoder = new TextDecoder();
		for await (const chunk of body ?? []) stream.text += decoder.decode(chunk);
		stream.hasEnded = true;
	};
	read().catch(() => {}); // Cancelled: the text received so far is kept.
	return stream;
}

describe('streams outlive revocation', () => {
	beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
	afterEach(() => void vi.useRealTimers());

	const seconds = async (count: number): Promise<void> => {
		await vi.advanceTimersByTimeAsync(count * 1_000);
	};
	const opened = async (
		authority: Authority,
		options: Pick<McpHandlerOptions, 'recheckSeconds'> = {},
	): Promise<{ stream: ReturnType<typeof readAll>; errors: Error[] }[]> => {
		const { mcp, errors } = setUp({ oauth: authority, principal, ...options });
		const sse = createSseHandler(createServer(), {
			oauth: authority,
			principal,
			sessionKeys: [KEY],
			onError: () => {},
			...options,
		});
		const headers = { accept: 'text/event-stream' };
		const responses = [
			await mcp.fetch(get(await openSession(mcp))),
			await mcp.fetch(listen()),
			await sse.fetch(withToken(new Request('https://example.com/sse', { headers }))),
		];
		expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
		await seconds(0);
		return responses.map((response) => ({ stream: readAll(response), errors }));
	};
	const ended = (streams: { stream: { hasEnded: boolean } }[]): boolean[] =>
		streams.map(({ stream }) => stream.hasEnded);

	const revocations: [string, (authority: Authority) => void][] = [
		['the principal is null', (authority) => void (authority.subject = null)],
		['the principal is another one', (authority) => void (authority.subject = 'bob')],
		[
			'verify throws invalid_token',
			(authority) =>
				void (authority.failure = Object.assign(new Error('revoked'), {
					errorCode: 'invalid_token',
				})),
		],
	];
	it.each(revocations)(
		'GET streams, subscriptions and legacy SSE streams end after 300 s if %s',
		async (_case, revoke) => {
			const authority = new Authority();
			const streams = await opened(authority);
			await seconds(290);
			revoke(authority);
			expect(ended(streams)).toEqual([false, false, false]);
			await seconds(20);
			expect(ended(streams)).toEqual([true, true, true]);
		},
	);

	it('streams stay open while the caller is authorized, for one check every 300 s', async () => {
		const authority = new Authority();
		const streams = await opened(authority);
		authority.requests = 0;
		await seconds(3_010);
		expect(ended(streams)).toEqual([false, false, false]);
		expect(authority.requests).toBe(3 * 10);
	});

	it('streams stay open while the authorization server is down, which is reported', async () => {
		const authority = new Authority();
		const streams = await opened(authority);
		authority.failure = new Error('the authorization server is down');
		await seconds(610);
		expect(ended(streams)).toEqual([false, false, false]);
		expect(streams[0]?.errors.map(String)).toContain('Error: the authorization server is down');
		authority.failure = undefined;
		authority.subject = null;
		await seconds(300);
		expect(ended(streams)).toEqual([true, true, true]);
	});

	it('is not checked again with recheckSeconds: 0', async () => {
		const authority = new Authority();
		const streams = await opened(authority, { recheckSeconds: 0 });
		authority.subject = null;
		await seconds(3_600);
		expect(ended(streams)).toEqual([false, false, false]);
	});

	it('the stream of a long call ends with an error that names the reason', async () => {
		const authority = new Authority();
		const { mcp, server } = setUp({ oauth: authority, principal, recheckSeconds: 60 });
		server.tool({ name: 'wait', description: 'Never returns' }, () => new Promise(() => {}));
		const session = await openSession(mcp);
		const call = post({ id: 7, method: 'tools/call', params: { name: 'wait' } }, session);
		call.headers.set('accept', 'application/json, text/event-stream');
		const responses: Response[] = [];
		const responding = mcp.fetch(withToken(call)).then((response) => responses.push(response));
		// The first keep-alive opens the stream. Its timer starts after the call has begun.
		while (responses.length === 0) {
			await new Promise(setImmediate);
			await seconds(5);
		}
		await responding;
		const [stream] = responses.map(readAll);
		authority.subject = null;
		await seconds(70);
		expect(stream?.hasEnded).toBe(true);
		expect(stream?.text).toContain('"id":7');
		expect(stream?.text).toContain('Authentication required: send a valid access token');
	});
});

it.each([-1, 86_401, Number.NaN])('rejects recheckSeconds: %d', (recheckSeconds) => {
	expect(() => setUp({ recheckSeconds })).toThrow(
		`recheckSeconds must be above 0 and at most 86400; got ${recheckSeconds}`,
	);
});
