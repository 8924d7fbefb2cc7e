import { hasSessionSealing } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager } from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import { McpServer } from 'tmcp';

/** The client info of `TransportClient`. */
export const CLIENT_INFO = { name: 'a client', version: '1.2.3' } as const;
/** The client capabilities of `TransportClient`. */
export const CLIENT_CAPABILITIES = { roots: { listChanged: true } } as const;

/** An HTTP response, read to its end. */
export interface TransportAnswer {
	readonly status: number;
	/** The session id of the response, or an empty string. */
	readonly session: string;
	readonly text: string;
}

/**
 * Returns the internal id of a session. A manager that seals sessions into their ids opens it, as for
 * a request; an id that it rejects gives an empty string.
 */
export async function internalIdOf(info: InfoSessionManager, id: string): Promise<string> {
	if (!hasSessionSealing(info)) return id;
	return (await info.openSession(id, ''))?.internalId ?? '';
}

/** A client of the session-based era that talks to a bare `HttpTransport` over an info manager. */
export class TransportClient {
	readonly #transport: HttpTransport;
	readonly #info: InfoSessionManager;

	constructor(info: InfoSessionManager) {
		this.#info = info;
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
		const message = { id: 1, method: 'initialize', params };
		if (!hasSessionSealing(this.#info)) return (await this.post(message)).session;
		const { id, internalId } = await this.#info.sealSession({
			principal: '',
			clientInfo: CLIENT_INFO,
			clientCapabilities: CLIENT_CAPABILITIES,
		});
		await this.#post(message, internalId);
		return id;
	}

	/** Sets the log level of a session. */
	setLogLevel(level: string, session: string): Promise<TransportAnswer> {
		return this.post({ id: 2, method: 'logging/setLevel', params: { level } }, session);
	}

	/** Sends a message. */
	async post(message: object, session?: string): Promise<TransportAnswer> {
		return this.#post(message, session && (await internalIdOf(this.#info, session)));
	}

	async #post(message: object, session: string | undefined): Promise<TransportAnswer> {
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
