import { once } from 'node:events';
import type { Contender } from '../contenders.ts';
import type { RunningContenders } from '../runtime.ts';

type Params = Readonly<Record<string, unknown>>;
interface Message {
	readonly id?: number;
	readonly method?: string;
	readonly params?: Params;
	readonly result?: Params;
	readonly error?: Params;
}

/** A connection to the inspector of one isolate: the Chrome DevTools protocol. */
export class Inspector implements Disposable {
	readonly #socket: WebSocket;
	readonly #pending = new Map<number, (message: Message) => void>();
	readonly #events: Message[] = [];
	#lastId = 0;

	private constructor(socket: WebSocket) {
		this.#socket = socket;
		socket.addEventListener('message', ({ data }) => {
			// Safe because the protocol has these messages only.
			const message = JSON.parse(String(data)) as Message;
			if (message.id === undefined) this.#events.push(message);
			else this.#pending.get(message.id)?.(message);
		});
	}

	/** Connects to an isolate: `core:user:` and the name of a Worker. */
	static async open(running: RunningContenders<Contender>, isolate: string): Promise<Inspector> {
		const socket = new WebSocket(
			new URL(`/${isolate}`, await running.miniflare.getInspectorURL()).href,
		);
		await once(socket, 'open');
		return new Inspector(socket);
	}

	/** Sends a command and returns its result. */
	async send<Result>(method: string, params: Params = {}): Promise<Result> {
		const id = (this.#lastId += 1);
		const { promise, resolve } = Promise.withResolvers<Message>();
		this.#pending.set(id, resolve);
		this.#socket.send(JSON.stringify({ id, method, params }));
		const { result, error } = await promise;
		this.#pending.delete(id);
		if (error) throw new Error(`${method} of the inspector failed: ${JSON.stringify(error)}`);
		// Safe because the caller names the result of the protocol.
		return result as Result;
	}

	/** Returns the parameters of the events that arrived so far. */
	events(method: string): Params[] {
		return this.#events.flatMap((event) => (event.method === method ? [event.params ?? {}] : []));
	}

	[Symbol.dispose](): void {
		this.#socket.close();
	}
}
