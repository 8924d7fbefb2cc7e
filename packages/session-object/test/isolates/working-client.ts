/** A client that counts up in its session, and starts work there, whatever happens to the server. */
export class WorkingClient {
	readonly #base: () => URL;
	session = '';
	/** The last number that the server said it has stored. */
	acknowledged = 0;
	/** What went wrong that must not. */
	readonly faults: string[] = [];
	readonly tokens: string[] = [];
	retries = 0;
	#id = 0;

	/** @param base where the next request goes. */
	constructor(base: () => URL) {
		this.#base = base;
	}

	/** Tries twice: workerd may close a connection that was idle in the moment in which it is used. */
	async open(): Promise<void> {
		const message = {
			method: 'initialize',
			params: {
				protocolVersion: '2025-11-25',
				capabilities: {},
				clientInfo: { name: 'working', version: '1' },
			},
		};
		const response = await this.#send(message).catch(() => this.#send(message));
		await response.text();
		this.session = response.headers.get('mcp-session-id') ?? '';
		if (!this.session) throw new Error(`expected a session; found ${response.status}`);
	}

	/** The id of its object, which stands in the session's. */
	get object(): string {
		const text = this.session.slice(this.session.lastIndexOf('.') + 1);
		return Buffer.from(text, 'base64url').toString('hex');
	}

	/** Counts on by one, as often as it takes until the server says that it has. */
	async count(): Promise<void> {
		const to = this.acknowledged + 1;
		const before = Number(await this.#call('count', { to }));
		// One that was not acknowledged may have been stored all the same.
		if (before !== this.acknowledged && before !== to) {
			this.faults.push(`stored was ${before}, after ${this.acknowledged} was acknowledged`);
		}
		this.acknowledged = to;
	}

	/** Starts work and does not wait for it: its answer may be lost with the server. */
	start(ms: number): void {
		const token = crypto.randomUUID();
		this.tokens.push(token);
		this.#send({
			method: 'tools/call',
			params: { name: 'work', arguments: { token, ms } },
		})
			.then((response) => response.text())
			.catch(() => {});
	}

	/** Starts work that takes its object down with it. @returns whether the client was told of it. */
	async crash(token: string, when: 'a turn later' | 'at once'): Promise<boolean> {
		const params = { name: 'crash', arguments: { token, when } };
		const response = await this.#send({ method: 'tools/call', params }).catch(() => undefined);
		await response?.text().catch(() => {});
		return response?.ok !== true;
	}

	/** Has the server say that its tools changed. */
	async announce(): Promise<void> {
		await this.#call('announce');
	}

	/** The work that nobody has ended, of what was begun. */
	async unfinished(): Promise<string[]> {
		return JSON.parse(await this.#call('unfinished')) as string[]; // Sound: the fixture's own answer.
	}

	/** How much work was begun, as far as the server knows. */
	async started(): Promise<number> {
		return Number(await this.#call('started'));
	}

	async #call(name: string, args: object = {}): Promise<string> {
		for (let attempt = 0; attempt < 200; attempt++) {
			try {
				const response = await this.#send({
					method: 'tools/call',
					params: { name, arguments: args },
				});
				const text = await response.text();
				if (response.status === 404) {
					this.faults.push('the session was lost');
					return '';
				}
				const [, found] = /"text":"((?:[^"\\]|\\.)*)"/.exec(text) ?? [];
				if (response.status === 200 && found !== undefined) {
					return JSON.parse(`"${found}"`) as string; // Sound: it was JSON's text.
				}
			} catch {
				// The server is down for a moment.
			}
			this.retries += 1;
			await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
		}
		this.faults.push(`${name} was never answered`);
		return '';
	}

	#send(message: object): Promise<Response> {
		this.#id += 1;
		return fetch(new URL('/mcp', this.#base()), {
			method: 'POST',
			signal: AbortSignal.timeout(10_000),
			headers: {
				'content-type': 'application/json',
				accept: 'application/json, text/event-stream',
				...(this.session && { 'mcp-session-id': this.session }),
			},
			body: JSON.stringify({ jsonrpc: '2.0', id: this.#id, ...message }),
		});
	}
}
