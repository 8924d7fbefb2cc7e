import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** Connects to the notes server with an access token. */
export class NotesClient {
	readonly #client = new Client({ name: 'notes-check', version: '1.0.0' });

	/** Opens a session. @throws if the server rejects the token. */
	static async connect(url: URL, token: string): Promise<NotesClient> {
		const client = new NotesClient();
		const requestInit = { headers: { authorization: `Bearer ${token}` } };
		await client.#client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
		return client;
	}

	/**
	 * Opens a session over the legacy SSE transport.
	 *
	 * @param fetchLike sends the requests. A test sends GET and POST to different isolates.
	 */
	static async connectLegacySse(
		url: URL,
		token: string,
		fetchLike: typeof fetch,
	): Promise<NotesClient> {
		const client = new NotesClient();
		const requestInit = { headers: { authorization: `Bearer ${token}` } };
		await client.#client.connect(new SSEClientTransport(url, { requestInit, fetch: fetchLike }));
		return client;
	}

	/** Calls a tool. @returns the text of its result. */
	async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
		const { content } = await this.#client.callTool({ name, arguments: args });
		// Safe because these tools return only text.
		const [first] = Array.isArray(content) ? (content as { text?: string }[]) : [];
		return first?.text ?? '';
	}

	close(): Promise<void> {
		return this.#client.close();
	}
}
