import { eventIdOf } from '@tmcp-sessions/core/backend';

/** Reads a stream over HTTP. */
export class StreamClient {
	/** The received messages, in order. */
	readonly messages: string[] = [];
	readonly ids: string[] = [];
	readonly comments: string[] = [];
	/** Resolves when the stream has ended, with `ended` or the error. */
	readonly ended: Promise<string>;
	readonly #abort = new AbortController();

	private constructor(url: URL, lastEventId: string | undefined, opened: () => void) {
		this.ended = this.#read(url, lastEventId, opened).then(
			() => 'ended',
			(error: unknown) => {
				opened();
				return String(error);
			},
		);
	}

	/** Opens a stream. Resolves once it is open. */
	static async open(url: URL, lastEventId?: string): Promise<StreamClient> {
		const opened = Promise.withResolvers<void>();
		const client = new StreamClient(url, lastEventId, opened.resolve);
		await opened.promise;
		return client;
	}

	get lastEventId(): string | undefined {
		return this.ids.at(-1);
	}

	async disconnect(): Promise<void> {
		this.#abort.abort();
		await this.ended;
	}

	async #read(url: URL, lastEventId: string | undefined, opened: () => void): Promise<void> {
		const headers: HeadersInit = lastEventId ? { 'Last-Event-ID': lastEventId } : {};
		const response = await fetch(url, { headers, signal: this.#abort.signal });
		opened();
		const decoder = new TextDecoder();
		let text = '';
		for await (const chunk of response.body ?? []) {
			const frames = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
			text = frames.pop() ?? '';
			for (const frame of frames) this.#receive(`${frame}\n`);
		}
	}

	#receive(frame: string): void {
		const id = eventIdOf(frame);
		if (id) this.ids.push(id);
		const [, comment] = /^: (.*)$/m.exec(frame) ?? [];
		if (comment) this.comments.push(comment);
		const [, data] = /^data: (.+)$/m.exec(frame) ?? [];
		if (data) this.messages.push(JSON.parse(data) as string); // Safe because the tests send strings.
	}
}
