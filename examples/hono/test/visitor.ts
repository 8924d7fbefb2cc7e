import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Workers } from '@tmcp-sessions/testkit/workerd';

export type Isolates = Workers<'a' | 'b'>;

/** Returns the MCP endpoint of an isolate. */
export function endpoint(workers: Isolates, isolate: 'a' | 'b'): URL {
	return new URL('/mcp', workers.url(isolate));
}

/** A session-based client; each request uses the current `isolate` and `token`. */
export class Visitor {
	readonly client: Client = new Client({ name: 'visitor', version: '1.0.0' });
	/** The URIs of the resource updates received. */
	readonly updates: string[] = [];
	/** Resolves with the status of the GET stream when its headers arrive. */
	readonly streamOpened: Promise<number>;
	isolate: 'a' | 'b' = 'a';
	token: string;

	readonly #transport: StreamableHTTPClientTransport;

	constructor(workers: Isolates, token: string) {
		this.token = token;
		let opened: (status: number) => void = () => undefined;
		this.streamOpened = new Promise((resolve) => (opened = resolve));
		this.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
			this.updates.push(params.uri);
		});
		this.#transport = new StreamableHTTPClientTransport(endpoint(workers, 'a'), {
			fetch: async (_url, init) => {
				const headers = new Headers(init?.headers);
				headers.set('authorization', `Bearer ${this.token}`);
				const response = await fetch(endpoint(workers, this.isolate), { ...init, headers });
				if (init?.method === 'GET') opened(response.status);
				return response;
			},
		});
	}

	get sessionId(): string {
		return this.#transport.sessionId ?? '';
	}

	/** Opens the session and its stream on isolate A. */
	async open(): Promise<void> {
		await this.client.connect(this.#transport);
	}

	/** Calls a tool on this isolate and returns the text of the result. */
	async call(isolate: 'a' | 'b', name: string): Promise<unknown> {
		this.isolate = isolate;
		const { content } = await this.client.callTool({ name });
		return Array.isArray(content) ? content[0]?.text : undefined;
	}
}
