import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** A client of the notes, with a token. */
export class Visit {
	readonly #client = new Client({ name: 'notes-check', version: '1.0.0' });

	/** Opens a session. @throws where the server lets nobody in with this token. */
	static async begin(url: URL, token: string): Promise<Visit> {
		const visit = new Visit();
		const requestInit = { headers: { authorization: `Bearer ${token}` } };
		await visit.#client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
		return visit;
	}

	/**
	 * Opens one over the old SSE transport.
	 *
	 * @param fetchLike sends the requests: a test has GET and POST answered by different isolates.
	 */
	static async beginOld(url: URL, token: string, fetchLike: typeof fetch): Promise<Visit> {
		const visit = new Visit();
		const requestInit = { headers: { authorization: `Bearer ${token}` } };
		await visit.#client.connect(new SSEClientTransport(url, { requestInit, fetch: fetchLike }));
		return visit;
	}

	/** Calls a tool. @returns what it says, as text. */
	async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
		const { content } = await this.#client.callTool({ name, arguments: args });
		// Sound: text is all that these tools give.
		const [first] = Array.isArray(content) ? (content as { text?: string }[]) : [];
		return first?.text ?? '';
	}

	end(): Promise<void> {
		return this.#client.close();
	}
}
