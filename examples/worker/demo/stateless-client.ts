import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Inbox } from './inbox.ts';
import { endpoint } from './notes-workers.ts';
import type { NotesWorkers, WorkerName } from './notes-workers.ts';
import { textOf } from './session-client.ts';

/** The stateless revision. */
export const statelessVersion = '2026-07-28';

/**
 * Drives the stateless client of `@modelcontextprotocol/client`. Each request carries what the server
 * has to know, and may go to either Worker.
 */
export class StatelessClient {
	readonly client: Client;
	readonly inbox: Inbox = new Inbox();
	/** The messages of the elicitations received, in order. */
	readonly elicitations: string[] = [];
	/** The Workers that `tools/call` requests went to, in order. */
	readonly callWorkers: WorkerName[] = [];

	readonly #workers: NotesWorkers;
	#route: (method: string) => WorkerName = () => 'a';

	constructor(workers: NotesWorkers) {
		this.#workers = workers;
		this.client = new Client(
			{ name: 'stateless-client', version: '4.5.6' },
			{
				capabilities: { elicitation: { form: {} } },
				versionNegotiation: { mode: { pin: statelessVersion } },
			},
		);
		this.client.fallbackNotificationHandler = this.inbox.receive;
		this.client.setRequestHandler('elicitation/create', ({ params }) => {
			this.elicitations.push(params.message);
			return { action: 'accept', content: { confirm: true } };
		});
	}

	/** Connects: sends `server/discover` to this Worker, and later requests too unless routed. */
	async open(worker: WorkerName): Promise<void> {
		this.#route = () => worker;
		const transport = new StreamableHTTPClientTransport(endpoint(this.#workers, worker), {
			fetch: (_url, init) => fetch(endpoint(this.#workers, this.#route(methodOf(init))), init),
		});
		await this.client.connect(transport);
	}

	/** Calls a tool, sends its rounds to these Workers in order, and returns the text of the result. */
	async call(rounds: readonly [WorkerName, ...WorkerName[]], name: string): Promise<string> {
		const previous = this.#route;
		const remaining: WorkerName[] = [...rounds];
		this.#route = (method) => {
			if (method !== 'tools/call') return previous(method);
			const worker = remaining.shift() ?? rounds[0];
			this.callWorkers.push(worker);
			return worker;
		};
		try {
			return textOf(await this.client.callTool({ name, arguments: {} }));
		} finally {
			this.#route = previous;
		}
	}
}

function methodOf(init: RequestInit | undefined): string {
	if (typeof init?.body !== 'string') return '';
	const message: unknown = JSON.parse(init.body);
	return typeof message === 'object' && message !== null && 'method' in message
		? String(message.method)
		: '';
}
