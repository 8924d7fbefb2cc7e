import {
	Client as Client2,
	StreamableHTTPClientTransport as Transport2,
} from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { describe, expect, it } from 'vitest';

import { setUp, URL_OF_MCP } from './local-handler.ts';

/** A call is resumable when it is a second old. */
const RESUMABLE_MS = 1_500;
/** The clients wait for a second before they reconnect. */
const SEVERAL_RECONNECTS_MS = 6_000;

const INFO = { name: 'cancelling', version: '1.0.0' };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;
type Call = (signal: AbortSignal) => Promise<unknown>;

const clients: Readonly<Record<string, (fetch: Fetch) => Promise<Call>>> = {
	'1.x': async (fetch) => {
		const client = new Client1(INFO);
		await client.connect(new Transport1(new URL(URL_OF_MCP), { fetch }));
		return (signal) => client.callTool({ name: 'wait' }, undefined, { signal });
	},
	'2.x': async (fetch) => {
		const client = new Client2(INFO);
		await client.connect(new Transport2(new URL(URL_OF_MCP), { fetch }));
		return (signal) => client.callTool({ name: 'wait' }, { signal });
	},
};

describe.concurrent('the official client', () => {
	it.each(Object.entries(clients))(
		'hazard unanswered-calls: of %s opens no stream after stream for a call that it has cancelled',
		async (_version, connect) => {
			const { mcp, server } = setUp();
			server.tool({ name: 'wait', description: 'Waits until it is cancelled' }, async () => {
				const { signal } = server.ctx;
				await new Promise((resolve) => signal?.addEventListener('abort', resolve));
				return { content: [] };
			});
			const gets: string[] = [];
			let isCancelled = false;
			const call = await connect(async (url, init) => {
				const request = new Request(url, init);
				const response = await mcp.fetch(request);
				if (isCancelled && request.method === 'GET') {
					const kind = request.headers.has('last-event-id') ? 'resumed' : 'listening';
					gets.push(`${kind}: ${response.status}`);
				}
				return response;
			});
			const abort = new AbortController();
			const calling = call(abort.signal);
			await pause(RESUMABLE_MS);
			isCancelled = true;
			abort.abort();
			await expect(calling).rejects.toThrow(/abort/i);
			await pause(SEVERAL_RECONNECTS_MS);
			// The first carries the error. Only a client that takes no error for a response sends another.
			const resumes = ['resumed: 200', 'resumed: 204'];
			expect(gets).toEqual(resumes.slice(0, gets.length));
		},
	);
});
