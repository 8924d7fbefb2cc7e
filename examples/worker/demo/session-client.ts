import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Inbox } from './inbox.ts';
import { endpoint } from './notes-workers.ts';
import type { NotesWorkers, WorkerName } from './notes-workers.ts';

/** The client info of this client. */
export const sessionClientInfo = { name: 'session-based-client', version: '1.2.3' } as const;

/**
 * Drives the session-based client of `@modelcontextprotocol/sdk`. Requests go to either Worker, as a
 * load balancer would send them; the GET stream stays on the Worker that it was opened on.
 */
export class SessionClient {
	readonly client: Client;
	readonly transport: StreamableHTTPClientTransport;
	readonly inbox: Inbox = new Inbox();
	/** Resolves with the status of the GET stream when its headers arrive. */
	readonly streamOpened: Promise<number>;
	/** Resolves when the current GET stream ends, for any reason; replaced when the next one opens. */
	streamEnded: Promise<void>;
	/** The messages of the elicitations received, in order. */
	readonly elicitations: string[] = [];
	/** The Worker that client responses go to; undefined: the Worker of the call. */
	respondOn: WorkerName | undefined;
	/** Delay before the client responds to an elicitation. */
	responseDelayMs = 0;

	#worker: WorkerName = 'a';
	#opened: (status: number) => void = () => undefined;
	#ended: () => void = () => undefined;
	/** Aborts the last connection of each method. */
	readonly #connections = new Map<string, AbortController>();

	constructor(workers: NotesWorkers) {
		this.streamOpened = new Promise((resolve) => (this.#opened = resolve));
		this.streamEnded = new Promise((resolve) => (this.#ended = resolve));
		this.client = new Client(sessionClientInfo, { capabilities: { elicitation: {} } });
		this.client.fallbackNotificationHandler = this.inbox.receive;
		this.client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
			this.elicitations.push(params.message);
			if (this.responseDelayMs > 0) {
				await new Promise((resolve) => setTimeout(resolve, this.responseDelayMs));
			}
			this.#worker = this.respondOn ?? this.#worker;
			return { action: 'accept', content: { confirm: true } };
		});
		this.transport = new StreamableHTTPClientTransport(endpoint(workers, 'a'), {
			fetch: async (_url, init) => {
				const connection = new AbortController();
				const signals = [connection.signal, ...(init?.signal ? [init.signal] : [])];
				const signal = AbortSignal.any(signals);
				const response = await fetch(endpoint(workers, this.#worker), { ...init, signal });
				if (response.headers.get('content-type') === 'text/event-stream') {
					this.#connections.set(init?.method ?? 'GET', connection);
				}
				if (init?.method === 'GET') this.#watch(response);
				return response;
			},
		});
	}

	/** Opens a session and its GET stream on this Worker. */
	async open(worker: WorkerName): Promise<void> {
		this.#worker = worker;
		await this.client.connect(this.transport);
	}

	/** Runs `action` with its requests sent to this Worker. */
	async on<T>(worker: WorkerName, action: (client: Client) => Promise<T>): Promise<T> {
		const previous = this.#worker;
		this.#worker = worker;
		try {
			return await action(this.client);
		} finally {
			this.#worker = previous;
		}
	}

	/** Drops the connection of the GET stream or of the last call, as a network failure would. */
	cut(method: 'GET' | 'POST'): void {
		this.#connections.get(method)?.abort();
	}

	/** Calls a tool on this Worker and returns the text of its result. */
	async call(
		worker: WorkerName,
		name: string,
		args: Record<string, unknown> = {},
	): Promise<string> {
		const result = await this.on(worker, (client) => client.callTool({ name, arguments: args }));
		return textOf(result);
	}

	#watch(response: Response): void {
		this.#opened(response.status);
		this.streamEnded = new Promise((resolve) => (this.#ended = resolve));
		const stream = response.clone().body;
		if (!response.ok || stream === null) return;
		stream.pipeTo(new WritableStream()).then(this.#ended, this.#ended);
	}
}

/** Returns the text of a tool result. */
export function textOf(result: object): string {
	const content: unknown[] =
		'content' in result && Array.isArray(result.content) ? result.content : [];
	return content
		.map((part) =>
			typeof part === 'object' && part !== null && 'text' in part ? String(part.text) : '',
		)
		.join('\n');
}
