import { eventIdOf } from '@tmcp-sessions/core/backend';

/** A client of a stream over HTTP, and what it got. */
export class StreamClient {
	/** The messages, in the order in which they came. */
	readonly messages: string[] = [];
	readonly ids: string[] = [];
	readonly comments: string[] = [];
	/** Settles when the stream has ended, whatever ended it. */
	readonly ended: Promise<string>;
	readonly #leaving = new AbortController();

	private constructor(url: URL, lastEventId: string | undefined, opened: () => void) {
		this.ended = this.#read(url, lastEventId, opened).then(
			() => 'ended',
			(error: unknown) => {
				opened();
				return String(error);
			},
		);
	}

	/** Opens a stream; it is open when this has resolved. */
	static async open(url: URL, lastEventId?: string): Promise<StreamClient> {
		const opened = Promise.withResolvers<void>();
		const client = new StreamClient(url, lastEventId, opened.resolve);
		await opened.promise;
		return client;
	}

	get lastEventId(): string | undefined {
		return this.ids.at(-1);
	}

	async leave(): Promise<void> {
		this.#leaving.abort();
		await this.ended;
	}

	async #read(url: URL, lastEventId: string | undefined, opened: () => void): Promise<void> {
		const headers: HeadersInit = lastEventId ? { 'Last-Event-ID': lastEventId } : {};
		const response = await fetch(url, { headers, signal: this.#leaving.signal });
		opened();
		const decoder = new TextDecoder();
		let text = '';
		for await (const chunk of response.body ?? []) {
			const frames = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
			text = frames.pop() ?? '';
			for (const frame of frames) this.#take(`${frame}\n`);
		}
	}

	#take(frame: string): void {
		const id = eventIdOf(frame);
		if (id) this.ids.push(id);
		const [, comment] = /^: (.*)$/m.exec(frame) ?? [];
		if (comment) this.comments.push(comment);
		const [, data] = /^data: (.+)$/m.exec(frame) ?? [];
		if (data) this.messages.push(JSON.parse(data) as string); // Sound: the tests send strings.
	}
}
