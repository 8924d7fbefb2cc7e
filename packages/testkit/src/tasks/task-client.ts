const PREFIX = 'io.modelcontextprotocol/';
/** The extension, as a client declares it. */
export const TASKS: Readonly<Record<string, object>> = { [`${PREFIX}tasks`]: {} };
const REVISION = '2026-07-28';

/** A JSON object from the server, whose fields a test knows. */
export type Fields = Record<string, unknown>;

/** The response to a request. */
export interface Reply {
	readonly status: number;
	readonly headers: Headers;
	readonly result: Fields;
	readonly error: { code: number; message: string; data?: unknown } | undefined;
}

/** What differs from the request of a client with the extension. */
export interface RequestOptions {
	readonly capabilities?: object;
	/** Null leaves a header out. */
	readonly headers?: Readonly<Record<string, string | null>>;
	readonly meta?: object;
	readonly signal?: AbortSignal;
}

/** A handler in this process, or the current URL of a Worker. */
export type TaskServer =
	{ fetch(request: Request, env: object): Promise<Response> | Response } | (() => URL);

/** A stateless client of a server with tasks. */
export class TaskClient {
	readonly #server: TaskServer;
	readonly #capabilities: object;
	readonly #headers: Readonly<Record<string, string>>;
	#nextId = 1;

	/** @param capabilities default: elicitation and the extension. */
	constructor(
		server: TaskServer,
		capabilities: object = { elicitation: {}, extensions: TASKS },
		headers: Readonly<Record<string, string>> = {},
	) {
		this.#server = server;
		this.#capabilities = capabilities;
		this.#headers = headers;
	}

	/** Sends a request, and reads the last message of its response. */
	async request(method: string, params: Fields, options: RequestOptions = {}): Promise<Reply> {
		const response = await this.send(method, params, options);
		const messages = parse(await response.text());
		const { error, result = {} } = (messages.at(-1) ?? {}) as Partial<Reply>;
		return { status: response.status, headers: response.headers, result, error };
	}

	/** Sends a request. */
	async send(method: string, params: Fields, options: RequestOptions = {}): Promise<Response> {
		const message = {
			jsonrpc: '2.0',
			id: this.#nextId++,
			method,
			params: {
				...params,
				_meta: {
					[`${PREFIX}protocolVersion`]: REVISION,
					[`${PREFIX}clientCapabilities`]: options.capabilities ?? this.#capabilities,
					[`${PREFIX}clientInfo`]: { name: 'test', version: '1.0.0' },
					...options.meta,
				},
			},
		};
		const target = params['taskId'] ?? params['name'];
		const headers: Record<string, string | null> = {
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
			'mcp-protocol-version': REVISION,
			'mcp-method': method,
			...(typeof target === 'string' && { 'mcp-name': target }),
			...this.#headers,
			...options.headers,
		};
		const given = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
			value === null ? [] : [[name, value]],
		);
		const { signal = null } = options;
		const init = { method: 'POST', headers: given, body: JSON.stringify(message), signal };
		const server = this.#server;
		if (typeof server === 'function') return fetch(new URL('/mcp', server()), init);
		return server.fetch(new Request('http://localhost/mcp', init), {});
	}

	call(name: string, args: Fields = {}, options: RequestOptions = {}): Promise<Reply> {
		return this.request('tools/call', { name, arguments: args }, options);
	}

	/** Starts a task and returns its id. */
	async start(name: string, args: Fields = {}): Promise<string> {
		const { error, result } = await this.call(name, args);
		if (typeof result['taskId'] === 'string') return result['taskId'];
		throw new Error(`expected a task; got ${JSON.stringify(error ?? result)}`);
	}

	get(taskId: string): Promise<Reply> {
		return this.request('tasks/get', { taskId });
	}

	update(taskId: string, inputResponses: unknown): Promise<Reply> {
		return this.request('tasks/update', { taskId, inputResponses });
	}

	cancel(taskId: string): Promise<Reply> {
		return this.request('tasks/cancel', { taskId });
	}

	/** Polls a task until it has one of these statuses. */
	async until(taskId: string, ...statuses: string[]): Promise<Fields> {
		for (;;) {
			const { error, result } = await this.get(taskId);
			if (error) throw new Error(error.message);
			if (statuses.includes(String(result['status']))) return result;
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
	}

	/** Polls a task until it has ended. */
	ended(taskId: string): Promise<Fields> {
		return this.until(taskId, 'completed', 'failed', 'cancelled');
	}
}

/** Returns the messages of a response, which is JSON or a stream of events. */
function parse(text: string): Fields[] {
	const datas = text.startsWith('{')
		? [text]
		: text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
	return datas.filter((data) => data !== '').map((data): Fields => JSON.parse(data) as Fields);
}

/** The notifications of a stream. */
export interface Notifications {
	/** Returns the next one; ends the test if it does not come. */
	next(): Promise<Fields>;
	stop(): Promise<void>;
}

/** Reads the notifications of a stream one by one. */
export function readNotifications(response: Response): Notifications {
	if (!response.body) throw new Error(`expected a stream; got status ${response.status}`);
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	const ready: Fields[] = [];
	let rest = '';
	return {
		async next() {
			for (;;) {
				const found = ready.shift();
				if (found) return found;
				const { done, value = '' } = await reader.read();
				if (done && rest === '') {
					throw new Error('expected a notification; the stream has ended');
				}
				const frames = (rest + value).split('\n\n');
				// A response without a stream is JSON, without a line end.
				rest = done ? '' : (frames.pop() ?? '');
				ready.push(...frames.flatMap(parse));
			}
		},
		stop: () => reader.cancel(),
	};
}
