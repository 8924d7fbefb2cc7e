import { Client } from '@modelcontextprotocol/sdk/client/index.js';
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
