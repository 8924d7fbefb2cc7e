import type { InfoSessionManager } from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import { McpServer } from 'tmcp';

/** What the client of these tests says of itself. */
export const CLIENT_INFO = { name: 'a client', version: '1.2.3' } as const;
/** What it declares. */
export const CLIENT_CAPABILITIES = { roots: { listChanged: true } } as const;

/** An answer, read to its end. */
export interface TransportAnswer {
	readonly status: number;
	/** The session of the answer, empty where it names none. */
	readonly session: string;
	readonly text: string;
}

/** A client of the session era, in front of a bare `HttpTransport` over an info manager. */
export class TransportClient {
	readonly #transport: HttpTransport;

	constructor(info: InfoSessionManager) {
		const server = new McpServer(
			{ name: 'test', version: '1.0.0' },
			{ adapter: undefined, capabilities: { logging: {} } },
		);
		this.#transport = new HttpTransport(server, { path: '/mcp', sessionManager: { info } });
	}

	/** Opens a session and returns its id. */
	async initialize(): Promise<string> {
		const params = {
			protocolVersion: '2025-06-18',
			capabilities: CLIENT_CAPABILITIES,
			clientInfo: CLIENT_INFO,
		};
		return (await this.post({ id: 1, method: 'initialize', params })).session;
	}

	/** Sets the log level of a session. */
	setLogLevel(level: string, session: string): Promise<TransportAnswer> {
		return this.post({ id: 2, method: 'logging/setLevel', params: { level } }, session);
	}

	/** Sends a message. */
	async post(message: object, session?: string): Promise<TransportAnswer> {
		const response = await this.#transport.respond(
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
		return {
			status: response?.status ?? 0,
			session: response?.headers.get('mcp-session-id') ?? '',
			text: (await response?.text()) ?? '',
		};
	}
}
