import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { onTestFinished } from 'vitest';

/** Answers the requests of a client. */
export type Fetch = (request: Request) => Promise<Response>;

export const STATELESS = { versionNegotiation: { mode: { pin: '2026-07-28' } } } as const;

const clientInfo = { name: 'visitor', version: '1.0.0' };

/**
 * Connects a client of the official SDK 2.x, session-based by default. Waits for the GET stream of its
 * session: the client does not, and a change reaches only the streams that are open.
 */
export async function connect(
	url: URL,
	fetch: Fetch,
	options: ConstructorParameters<typeof Client>[1] = {},
): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
	const client = new Client(clientInfo, options);
	const { promise: opened, resolve: markOpened } = Promise.withResolvers<void>();
	const transport = new StreamableHTTPClientTransport(url, {
		async fetch(input, init) {
			const request = new Request(input, init);
			const response = await fetch(request);
			if (request.method === 'GET') markOpened();
			return response;
		},
	});
	await client.connect(transport);
	onTestFinished(() => client.close());
	if (transport.sessionId !== undefined) await opened;
	return { client, transport };
}

/** Connects a client of the official SDK 1.x. */
export async function connect1(url: URL, fetch: Fetch): Promise<Client1> {
	const client = new Client1(clientInfo, { capabilities: { elicitation: {} } });
	const transport = new Transport1(url, {
		fetch: (input, init) => fetch(new Request(input, init)),
	});
	await client.connect(transport);
	onTestFinished(() => client.close());
	return client;
}

/** Returns the text of a tool's result. */
export function textOf(result: unknown): string {
	// Safe because the tools of the tests return one text.
	const { content } = result as { content?: { text?: string }[] };
	return content?.[0]?.text ?? JSON.stringify(result);
}
