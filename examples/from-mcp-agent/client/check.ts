import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

/** A session of a user. */
export interface CounterClient {
	readonly sessionId: string;
	count(): Promise<number>;
	close(): Promise<void>;
}

/** Opens a session of a user of `.dev.vars.example`. */
export async function connect(url: URL, user: string): Promise<CounterClient> {
	const client = new Client({ name: 'counter-check', version: '1.0.0' });
	const headers = { authorization: `Bearer ${user}-token` };
	const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
	await client.connect(transport);
	return {
		sessionId: transport.sessionId ?? '',
		async count() {
			const { content } = await client.callTool({ name: 'count' });
			const [first] = content;
			return first?.type === 'text' ? Number(first.text) : NaN;
		},
		close: () => client.close(),
	};
}
