import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Inbox } from './inbox.ts';
import { endpoint } from './notes-workers.ts';
import type { NotesWorkers, WorkerName } from './notes-workers.ts';
import { textOf } from './session-client.ts';

/** The revision without sessions. */
export const statelessVersion = '2026-07-28';

/**
 * A client of the revision 2026-07-28 (`@modelcontextprotocol/client`). It has no session: what the
 * server has to know comes with each request, and each one may go to another Worker.
 */
export class StatelessClient {
	readonly client: Client;
	readonly inbox: Inbox = new Inbox();
	/** What the server asked the user, in order. */
	readonly questions: string[] = [];
	/** The Workers that answered a `tools/call`, in order. */
	readonly calls: WorkerName[] = [];

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
			this.questions.push(params.message);
			return { action: 'accept', content: { confirm: true } };
		});
	}

	/** Learns on this Worker what the server offers. */
	async open(worker: WorkerName): Promise<void> {
		this.#route = () => worker;
		const transport = new StreamableHTTPClientTransport(endpoint(this.#workers, worker), {
			fetch: (_url, init) => fetch(endpoint(this.#workers, this.#route(methodOf(init))), init),
		});
		await this.client.connect(transport);
	}

	/** Calls a tool and gives the text of its answer. Its rounds go to these Workers, one after the other. */
	async call(rounds: readonly [WorkerName, ...WorkerName[]], name: string): Promise<string> {
		const before = this.#route;
		const left: WorkerName[] = [...rounds];
		this.#route = (method) => {
			if (method !== 'tools/call') return before(method);
			const worker = left.shift() ?? rounds[0];
			this.calls.push(worker);
			return worker;
		};
		try {
			return textOf(await this.client.callTool({ name, arguments: {} }));
		} finally {
			this.#route = before;
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
