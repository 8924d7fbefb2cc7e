/**
 * The position of an event. Its id is `<stream>:<sequence>`: unique in the session, and it names the
 * stream (MCP 2025-11-25, transports, resumability and redelivery).
 */
export interface EventPosition {
	/**
	 * The stream: a name that the stream manager chose, or `call/<uuid>` for the stream of a call. 1 to
	 * 128 characters of `A-Z a-z 0-9 - _ . /`.
	 */
	readonly stream: string;
	/** Increases within the stream, not always by one. */
	readonly sequence: number;
}

const EVENT_ID = /^([\w./-]{1,128}):(\d{1,15})$/;
const CALL = 'call/';

/** Formats an event id for a frame or a `Last-Event-ID` header. */
function eventId({ stream, sequence }: EventPosition): string {
	return `${stream}:${sequence}`;
}

/** Parses an event id. Returns `undefined` if it has another format. */
export function parseEventId(id: string): EventPosition | undefined {
	const [, stream, sequence] = EVENT_ID.exec(id) ?? [];
	return stream === undefined ? undefined : { stream, sequence: Number(sequence) };
}

/** Returns an unguessable name for the stream of a new call. */
export function newCallStream(): string {
	return `${CALL}${crypto.randomUUID()}`;
}

/** Whether a stream is that of a call, not one that a client opened to listen. */
export function isCallStream(stream: string): boolean {
	return stream.startsWith(CALL);
}

/** Returns the SSE frame of a JSON-RPC message, without an id. */
export function messageFrame(message: object): string {
	return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** Prepends an id to a frame. */
export function withEventId(position: EventPosition, frame: string): string {
	return `id: ${eventId(position)}\n${frame}`;
}

/**
 * Returns the first event of a new stream. It only carries an id, so that a client can resume before
 * the first message.
 *
 * @param retryMs how long a client should wait before it reconnects.
 */
export function primingFrame(position: EventPosition, retryMs: number): string {
	return `id: ${eventId(position)}\nretry: ${retryMs}\ndata: \n\n`;
}

/**
 * Returns a priming event with a comment that announces a gap: events before it are lost.
 *
 * @param text one line; `gapOf` returns it.
 */
export function gapFrame(position: EventPosition, retryMs: number, text: string): string {
	return `id: ${eventId(position)}\n: gap, ${text}\nretry: ${retryMs}\ndata: \n\n`;
}

/** Returns the text of a frame that announces a gap. */
export function gapOf(frame: string): string | undefined {
	return /^id: \S+\n: gap, (.*)\n/.exec(frame)?.[1];
}

/** Returns the event id of a frame, if it has one. */
export function eventIdOf(frame: string): string | undefined {
	return /^id: (\S+)\n/.exec(frame)?.[1];
}
