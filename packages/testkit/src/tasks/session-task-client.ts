import { readNotifications } from './task-client.ts';
import type { Fields, Notifications, Reply, TaskServer } from './task-client.ts';

/** How a session is opened. */
export interface SessionOptions {
	readonly headers?: Readonly<Record<string, string>>;
	/** The revision that the client requests. */
	readonly revision?: string;
	readonly capabilities?: object;
}

/** A session-based client of a server with tasks. */
export class SessionTaskClient {
	readonly #server: TaskServer;
	readonly #headers: Readonly<Record<string, string>>;
	/** The result of `initialize`. */
	readonly initialized: Fields;
	#nextId = 1;

	private constructor(
		server: TaskServer,
		headers: Readonly<Record<string, string>>,
		initialized: Fields,
	) {
		this.#server = server;
		this.#headers = headers;
		this.initialized = initialized;
	}

	/** Opens a session. */
	static async open(
		server: TaskServer,
		{
			headers = {},
			revision = '2025-11-25',
			capabilities = { elicitation: {} },
		}: SessionOptions = {},
	): Promise<SessionTaskClient> {
		const opening = new SessionTaskClient(server, headers, {});
		const response = await opening.post({
			jsonrpc: '2.0',
			id: 0,
			method: 'initialize',
			params: {
				protocolVersion: revision,
				capabilities,
				clientInfo: { name: 'test', version: '1.0.0' },
			},
		});
		const sessionId = response.headers.get('mcp-session-id') ?? '';
		const { result } = await readNotifications(response).next();
		const initialized = Object(result) as Fields;
		const version = String(initialized['protocolVersion']);
		const known = { ...headers, 'mcp-session-id': sessionId, 'mcp-protocol-version': version };
		const client = new SessionTaskClient(server, known, initialized);
		await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
		return client;
	}

	/** Returns the same client at another isolate. Its ids begin at another number. */
	at(server: TaskServer): SessionTaskClient {
		const client = new SessionTaskClient(server, this.#headers, this.initialized);
		client.#nextId = this.#nextId + 1_000;
		return client;
	}

	/** Sends a message. */
	post(
		message: Fields,
		headers: Readonly<Record<string, string>> = {},
		signal: AbortSignal | null = null,
	): Promise<Response> {
		const init = {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				accept: 'application/json, text/event-stream',
				...this.#headers,
				...headers,
			},
			body: JSON.stringify(message),
			signal,
		};
		const server = this.#server;
		if (typeof server === 'function') return fetch(new URL('/mcp', server()), init);
		return Promise.resolve(server.fetch(new Request('http://localhost/mcp', init), {}));
	}

	/** Sends a request, and reads the messages of its response one by one. */
	async send(
		method: string,
		params: Fields = {},
		signal?: AbortSignal,
	): Promise<Notifications & { readonly id: number }> {
		const id = this.#nextId++;
		const response = await this.post({ jsonrpc: '2.0', id, method, params }, {}, signal);
		return { ...readNotifications(response), id };
	}

	/** Sends a request, and returns its response without the messages before it. */
	async request(method: string, params: Fields = {}): Promise<Pick<Reply, 'error' | 'result'>> {
		const stream = await this.send(method, params);
		for (;;) {
			const { error, id, method: asked, result = {} } = await stream.next();
			// Safe because a response has these members.
			if (asked === undefined && id === stream.id) return { error, result } as Reply;
		}
	}

	/** Starts a task, and returns it. */
	async start(name: string, args: Fields = {}, others: Fields = {}): Promise<Fields> {
		const { error, result } = await this.request('tools/call', {
			name,
			arguments: args,
			task: {},
			...others,
		});
		const { task } = result;
		if (typeof task === 'object' && task !== null) return task as Fields;
		throw new Error(`expected a task; got ${JSON.stringify(error ?? result)}`);
	}

	/** Responds to a server request. */
	async respond(id: unknown, outcome: Fields): Promise<void> {
		const { status } = await this.post({ jsonrpc: '2.0', id, ...outcome });
		if (status !== 202) throw new Error(`expected 202; got ${status}`);
	}

	/** Polls a task until it has one of these statuses. */
	async until(taskId: unknown, ...statuses: string[]): Promise<Fields> {
		for (;;) {
			const { error, result } = await this.request('tasks/get', { taskId });
			if (error) throw new Error(error.message);
			if (statuses.includes(String(result['status']))) return result;
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
	}
}
