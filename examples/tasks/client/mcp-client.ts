const PREFIX = 'io.modelcontextprotocol/';
const REVISION = '2026-07-28';

/** A JSON object of the server. */
export type Fields = Record<string, unknown>;

/** Sends stateless requests. */
export class McpClient {
	readonly #url: () => URL;
	readonly #capabilities: object;
	#nextId = 1;

	/** @param knowsTasks whether the client declares the tasks extension. */
	constructor(url: () => URL, knowsTasks: boolean) {
		this.#url = url;
		const extensions = { [`${PREFIX}tasks`]: {} };
		this.#capabilities = { elicitation: {}, ...(knowsTasks && { extensions }) };
	}

	/** Sends a request and returns its result. Rejects with the error of the server. */
	async request(method: string, params: Fields): Promise<Fields> {
		const name = params['taskId'] ?? params['name'];
		const response = await fetch(new URL('/mcp', this.#url()), {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				accept: 'application/json, text/event-stream',
				'mcp-protocol-version': REVISION,
				'mcp-method': method,
				...(typeof name === 'string' && { 'mcp-name': name }),
			},
			body: JSON.stringify({
				jsonrpc: '2.0',
				id: this.#nextId++,
				method,
				params: {
					...params,
					_meta: {
						[`${PREFIX}protocolVersion`]: REVISION,
						[`${PREFIX}clientCapabilities`]: this.#capabilities,
					},
				},
			}),
		});
		const text = await response.text();
		const [, data = text] = /^data: (.*)$/m.exec(text) ?? [];
		// Safe because the server sends JSON-RPC.
		const { error, result } = JSON.parse(data) as { error?: { message: string }; result?: Fields };
		if (!result) throw new Error(error?.message ?? text);
		return result;
	}
}
