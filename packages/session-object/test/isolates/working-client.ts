/** Increments a counter in its session and starts jobs there, and records what a failing server loses. */
export class WorkingClient {
	readonly #base: () => URL;
	session = '';
	/** The last number that the server acknowledged. */
	acknowledged = 0;
	/** Violated guarantees. */
	readonly faults: string[] = [];
	readonly tokens: string[] = [];
	retries = 0;
	#id = 0;

	/** @param base returns the URL of the Worker for the next request. */
	constructor(base: () => URL) {
		this.#base = base;
	}

	/** Opens the session. Retries once: workerd may close an idle connection just as it is used. */
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

	/** The id of the session's object, which is part of the session id. */
	get object(): string {
		const text = this.session.slice(this.session.lastIndexOf('.') + 1);
		return Buffer.from(text, 'base64url').toString('hex');
	}

	/** Increments the counter, and retries until the server acknowledges it. */
	async count(): Promise<void> {
		const to = this.acknowledged + 1;
		const before = Number(await this.#call('count', { to }));
		// The server may have stored a number without acknowledging it.
		if (before !== this.acknowledged && before !== to) {
			this.faults.push(`${before} was stored after ${this.acknowledged} was acknowledged`);
		}
		this.acknowledged = to;
	}

	/** Starts a job without waiting for its response, which may be lost with the server. */
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

	/** Starts a job that terminates its object. @returns whether the call failed. */
	async crash(token: string, when: 'a turn later' | 'at once'): Promise<boolean> {
		const params = { name: 'crash', arguments: { token, when } };
		const response = await this.#send({ method: 'tools/call', params }).catch(() => undefined);
		await response?.text().catch(() => {});
		return response?.ok !== true;
	}

	/** Makes the server notify its clients of changed tools. */
	async announce(): Promise<void> {
		await this.#call('announce');
	}

	/** Returns the tokens of the jobs that have started and not ended. */
	async unfinished(): Promise<string[]> {
		return JSON.parse(await this.#call('unfinished')) as string[]; // Safe because the fixture returns this.
	}

	/** Returns the number of jobs that the server has started. */
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
					return JSON.parse(`"${found}"`) as string; // Safe because the expression matches a JSON string.
				}
			} catch {
				// The server is restarting.
			}
			this.retries += 1;
			await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
		}
		this.faults.push(`${name} never got a response`);
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
