/** An event of a stream, or a comment in it. */
export interface StreamEvent {
	readonly id?: string;
	readonly retryMs?: number;
	readonly data?: string;
	readonly comments: readonly string[];
}

/** Reads server-sent events as they come in, in pieces of any length (WHATWG HTML, 9.2.6). */
export class EventParser {
	readonly #take: (event: StreamEvent) => void;
	#rest = '';

	constructor(take: (event: StreamEvent) => void) {
		this.#take = take;
	}

	/** An event whose end has not come in is not told, so that its id is not remembered either. */
	add(text: string): void {
		const blocks = (this.#rest + text).split('\n\n');
		this.#rest = blocks.pop() ?? '';
		for (const block of blocks) this.#take(eventOf(block));
	}
}

function eventOf(block: string): StreamEvent {
	const comments: string[] = [];
	const data: string[] = [];
	const fields = new Map<string, string>();
	for (const line of block.split('\n')) {
		const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
		if (line.startsWith(':')) comments.push(value);
		else if (name === 'data') data.push(value);
		else fields.set(name, value);
	}
	const id = fields.get('id');
	const retry = fields.get('retry');
	return {
		comments,
		...(id !== undefined && { id }),
		...(retry !== undefined && { retryMs: Number(retry) }),
		...(data.length > 0 && { data: data.join('\n') }),
	};
}
