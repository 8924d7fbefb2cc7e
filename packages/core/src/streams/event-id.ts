import { MAX_STREAM_LENGTH } from './call-stream.ts';
import { toJsonLine } from './line-terminators.ts';

/**
 * The position of an event. Its id is `<stream>:<sequence>`: unique in the session, and it names the
 * stream (MCP 2025-11-25, transports, resumability and redelivery).
 */
export interface EventPosition {
	/**
	 * The stream: a name that the stream manager chose, or that of `newCallStream` for the stream of a
	 * call. 1 to 1,442 characters of `A-Z a-z 0-9 - _ . /`.
	 */
	readonly stream: string;
	/** Increases within the stream, not always by one. */
	readonly sequence: number;
}

/** The revision whose clients know events without data, and wait before they reconnect. */
const POLLING_REVISION = '2025-11-25';

const EVENT_ID = new RegExp(`^([\\w./-]{1,${MAX_STREAM_LENGTH}}):(\\d{1,15})$`);

/** Formats an event id for a frame or a `Last-Event-ID` header. */
function eventId({ stream, sequence }: EventPosition): string {
	return `${stream}:${sequence}`;
}

/** Parses an event id. Returns `undefined` if it has another format. */
export function parseEventId(id: string): EventPosition | undefined {
	const [, stream, sequence] = EVENT_ID.exec(id) ?? [];
	return stream === undefined ? undefined : { stream, sequence: Number(sequence) };
}

/** Returns the SSE frame of a JSON-RPC message, without an id. */
export function messageFrame(message: object): string {
	return `event: message\ndata: ${toJsonLine(message)}\n\n`;
}

/** Prepends an id to a frame. */
export function withEventId(position: EventPosition, frame: string): string {
	return `id: ${eventId(position)}\n${frame}`;
}

/**
 * Returns the first event of a new stream. It only carries an id, so that a client can resume before
 * the first message. No space follows `data:`: Java clients would take one for a message.
 */
export function primingFrame(position: EventPosition): string {
	return `id: ${eventId(position)}\ndata:\n\n`;
}

/**
 * Returns a priming event with a comment that announces a gap: events before it are lost.
 *
 * @param text one line; `gapOf` returns it.
 */
export function gapFrame(position: EventPosition, text: string): string {
	return `id: ${eventId(position)}\n: gap, ${text}\ndata:\n\n`;
}

/**
 * Returns the last frame of a stream that the server closes and the client should open again: how long
 * to wait, in milliseconds. For clients of 2025-11-25 only, and never earlier on a stream: Java clients
 * end a stream at a `retry` line, other clients of older revisions take the frame for a message.
 */
export function closingFrame(): string {
	return 'retry: 1000\n\n';
}

/**
 * Whether a client knows priming events and closing frames, which are for 2025-11-25 alone.
 *
 * @param protocolVersion the revision that it speaks.
 */
export function knowsPolling(protocolVersion: string | undefined): boolean {
	return protocolVersion === POLLING_REVISION;
}

/**
 * Returns a frame for a client of another revision than 2025-11-25, which would read an event without
 * data as a malformed message: of such an event, only a comment is left.
 */
export function withoutPriming(frame: string): string {
	const match = /^id: \S+\n(: [^\n]*)?\n?data:\n\n$/.exec(frame);
	return match ? `${match[1] ?? ': open'}\n\n` : frame;
}

/** Returns the text of a frame that announces a gap. */
export function gapOf(frame: string): string | undefined {
	return /^id: \S+\n: gap, (.*)\n/.exec(frame)?.[1];
}

/** Returns the event id of a frame, if it has one. Comments may precede it. */
export function eventIdOf(frame: string): string | undefined {
	const id = /^id: (\S+)$/m.exec(frame)?.[1];
	// Copied: a part of a string keeps all of it in memory (V8), and managers keep the id of each stream.
	return id === undefined ? undefined : ` ${id}`.slice(1);
}
