import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Inbox } from './inbox.ts';
import { endpoint } from './notes-workers.ts';
import type { NotesWorkers, WorkerName } from './notes-workers.ts';

/** How this client introduces itself. */
export const sessionClientInfo = { name: 'session-era-client', version: '1.2.3' } as const;

/**
 * A client of the session era (`@modelcontextprotocol/sdk`) whose requests go to one Worker or the
 * other, as a load balancer would send them. Its GET stream stays where it was opened.
 */
export class SessionClient {
	readonly client: Client;
	readonly transport: StreamableHTTPClientTransport;
	readonly inbox: Inbox = new Inbox();
	/** Settles with the status once the GET stream is there. */
	readonly streamOpened: Promise<number>;
	/** Settles when the GET stream has ended, by whatever cause. Each stream has one of its own. */
	streamEnded: Promise<void>;
	/** What the server asked the user, in order. */
	readonly questions: string[] = [];
	/** Where the user's answers are sent; undefined is where the call went. */
	answersOn: WorkerName | undefined;
	/** How long the user takes to answer. */
	answerAfterMs = 0;

	#worker: WorkerName = 'a';
	#opened: (status: number) => void = () => undefined;
	#ended: () => void = () => undefined;
	/** What cuts the last connection of each method. */
	readonly #cuts = new Map<string, AbortController>();

	constructor(workers: NotesWorkers) {
		this.streamOpened = new Promise((resolve) => (this.#opened = resolve));
		this.streamEnded = new Promise((resolve) => (this.#ended = resolve));
		this.client = new Client(sessionClientInfo, { capabilities: { elicitation: {} } });
		this.client.fallbackNotificationHandler = this.inbox.receive;
		this.client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
			this.questions.push(params.message);
			if (this.answerAfterMs > 0) {
				await new Promise((resolve) => setTimeout(resolve, this.answerAfterMs));
			}
			this.#worker = this.answersOn ?? this.#worker;
			return { action: 'accept', content: { confirm: true } };
		});
		this.transport = new StreamableHTTPClientTransport(endpoint(workers, 'a'), {
			fetch: async (_url, init) => {
				const cut = new AbortController();
				const signals = [cut.signal, ...(init?.signal ? [init.signal] : [])];
				const signal = AbortSignal.any(signals);
				const response = await fetch(endpoint(workers, this.#worker), { ...init, signal });
				if (response.headers.get('content-type') === 'text/event-stream') {
					this.#cuts.set(init?.method ?? 'GET', cut);
				}
				if (init?.method === 'GET') this.#watch(response);
				return response;
			},
		});
	}

	/** Opens the session, and its GET stream, on this Worker. */
	async open(worker: WorkerName): Promise<void> {
		this.#worker = worker;
		await this.client.connect(this.transport);
	}

	/** Sends everything that `work` sends to this Worker. */
	async on<T>(worker: WorkerName, work: (client: Client) => Promise<T>): Promise<T> {
		const before = this.#worker;
		this.#worker = worker;
		try {
			return await work(this.client);
		} finally {
			this.#worker = before;
		}
	}

	/** Cuts the connection of the GET stream, or of the last call, as a network does. */
	cut(method: 'GET' | 'POST'): void {
		this.#cuts.get(method)?.abort();
	}

	/** Calls a tool on this Worker and gives the text of its answer. */
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

/** The text of a tool's answer. */
export function textOf(result: object): string {
	const content: unknown[] =
		'content' in result && Array.isArray(result.content) ? result.content : [];
	return content
		.map((part) =>
			typeof part === 'object' && part !== null && 'text' in part ? String(part.text) : '',
		)
		.join('\n');
}
