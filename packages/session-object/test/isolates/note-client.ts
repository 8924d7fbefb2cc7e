const STATELESS = '2026-07-28';

/** A stream that is read until it is closed. */
export class NoteStream {
	text = '';
	hasEnded = false;
	readonly #leaving: AbortController;

	constructor(response: Response, leaving: AbortController) {
		this.#leaving = leaving;
		this.#read(response).then(
			() => (this.hasEnded = true),
			() => (this.hasEnded = true),
		);
	}

	/** The messages that arrived, in order, without the acknowledgement of a subscription. */
	get changes(): string[] {
		return [...this.text.matchAll(/^data: (.+)$/gm)]
			.map(([, data = '{}']) => JSON.parse(data) as { method?: string; params?: { uri?: string } })
			.filter(({ method }) => method && !method.endsWith('acknowledged'))
			.map(({ method = '', params }) => params?.uri ?? method);
	}

	/** The id of the last event. */
	get lastEventId(): string {
		return [...this.text.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? '';
	}

	/** Waits until this many changes have arrived. */
	async until(count: number): Promise<string[]> {
		return this.#until(() => this.changes.length >= count, `${count} changes`);
	}

	/** Waits until this change has arrived. */
	async untilLast(change: string): Promise<string[]> {
		return this.#until(() => this.changes.includes(change), change);
	}

	async #until(hasArrived: () => boolean, expected: string): Promise<string[]> {
		const deadline = AbortSignal.timeout(30_000);
		while (!hasArrived()) {
			if (deadline.aborted) throw new Error(`expected ${expected}; found ${this.text}`);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		return this.changes;
	}

	disconnect(): void {
		this.#leaving.abort();
	}

	async #read(response: Response): Promise<void> {
		const decoder = new TextDecoder();
		for await (const chunk of response.body ?? []) {
			this.text += decoder.decode(chunk, { stream: true });
		}
	}
}

/** A client of either era. */
export class NoteClient {
	readonly #url: () => URL;
	readonly #headers: Record<string, string>;
	session = '';
	#id = 0;

	constructor(url: () => URL, headers: Record<string, string> = {}) {
		this.#url = url;
		this.#headers = headers;
	}

	/** The id of the session's object, which is part of the session id. */
	get object(): string {
		const text = this.session.slice(this.session.lastIndexOf('.') + 1);
		return Buffer.from(text, 'base64url').toString('hex');
	}

	async open(): Promise<this> {
		const clientInfo = { name: 'notes', version: '1' };
		const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
		const response = await this.send('POST', this.#message('initialize', params));
		await response.text();
		this.session = response.headers.get('mcp-session-id') ?? '';
		if (!this.session) throw new Error(`expected a session; found ${response.status}`);
		return this;
	}

	/** Opens a GET stream. */
	async stream(url?: URL, lastEventId?: string): Promise<NoteStream> {
		const leaving = new AbortController();
		const resumed = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
		const headers = { 'mcp-protocol-version': '2025-11-25', ...resumed };
		const response = await this.send('GET', undefined, headers, { url, signal: leaving.signal });
		if (response.status !== 200)
			throw new Error(`GET: ${response.status} ${await response.text()}`);
		return new NoteStream(response, leaving);
	}

	async request(method: string, params: object): Promise<string> {
		return (await this.send('POST', this.#message(method, params))).text();
	}

	/** Publishes a change by a tool. @returns the body of the response. */
	publish(change: { list?: string; uri?: string }): Promise<string> {
		return this.request('tools/call', { name: 'publish', arguments: change });
	}

	/** Opens a stateless subscription. */
	async listen(notifications: object): Promise<NoteStream> {
		const leaving = new AbortController();
		const response = await this.#sendStateless(
			'subscriptions/listen',
			{ notifications },
			leaving.signal,
		);
		const stream = new NoteStream(response, leaving);
		while (!stream.text.includes('acknowledged')) {
			if (stream.hasEnded) throw new Error(`the subscription ended: ${stream.text}`);
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		return stream;
	}

	/** Publishes a change by a tool of the stateless era. */
	async publishStateless(change: object): Promise<string> {
		const params = { name: 'publish', arguments: change };
		return (await this.#sendStateless('tools/call', params)).text();
	}

	send(
		method: string,
		message?: object,
		extra: Record<string, string> = {},
		{ url = this.#url(), signal }: { url?: URL | undefined; signal?: AbortSignal } = {},
	): Promise<Response> {
		return fetch(url, {
			method,
			headers: {
				accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
				...(message && { 'content-type': 'application/json' }),
				...(this.session && { 'mcp-session-id': this.session }),
				...this.#headers,
				...extra,
			},
			...(message && { body: JSON.stringify(message) }),
			...(signal && { signal }),
		});
	}

	#sendStateless(method: string, params: object, signal?: AbortSignal): Promise<Response> {
		const metadata = {
			'io.modelcontextprotocol/protocolVersion': STATELESS,
			'io.modelcontextprotocol/clientCapabilities': {},
		};
		const message = this.#message(method, { ...params, _meta: metadata });
		const named = 'name' in params ? { 'mcp-name': String(params.name) } : {};
		const headers = { 'mcp-protocol-version': STATELESS, 'mcp-method': method, ...named };
		return this.send('POST', message, headers, signal && { signal });
	}

	#message(method: string, params: object): object {
		this.#id += 1;
		return { jsonrpc: '2.0', id: this.#id, method, params };
	}
}
