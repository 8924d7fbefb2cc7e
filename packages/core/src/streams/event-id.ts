/**
 * The ids of what a session's streams carry. An id is `<stream>:<sequence>`: unique in its session,
 * and it tells which stream it belongs to (2025-11-25, basic/transports, resumability).
 */
export interface EventPosition {
	/**
	 * The stream: what a stream manager calls one of its own, or `call/<uuid>` for the stream of a
	 * call. 1 to 128 characters of `A-Z a-z 0-9 - _ . /`.
	 */
	readonly stream: string;
	/** Counts up within the stream, not always by one. */
	readonly sequence: number;
}

const EVENT_ID = /^([\w./-]{1,128}):(\d{1,15})$/;
const CALL = 'call/';

/** The id of an event, as it stands in a frame and in a `Last-Event-ID` header. */
function eventId({ stream, sequence }: EventPosition): string {
	return `${stream}:${sequence}`;
}

/** What an id says; `undefined` where it is none of this family's. */
export function parseEventId(id: string): EventPosition | undefined {
	const [, stream, sequence] = EVENT_ID.exec(id) ?? [];
	return stream === undefined ? undefined : { stream, sequence: Number(sequence) };
}

/** A new name for the stream of a call: nobody can guess it. */
export function newCallStream(): string {
	return `${CALL}${crypto.randomUUID()}`;
}

/** Whether a stream is that of a call, and not one that a client opened to listen. */
export function isCallStream(stream: string): boolean {
	return stream.startsWith(CALL);
}

/** A frame with its id. */
export function withEventId(position: EventPosition, frame: string): string {
	return `id: ${eventId(position)}\n${frame}`;
}

/**
 * The event that a stream begins with: it carries nothing but an id, so that a client can come back
 * before the first message.
 *
 * @param retryMs how long a client should wait before it does, in milliseconds.
 */
export function primingFrame(position: EventPosition, retryMs: number): string {
	return `id: ${eventId(position)}\nretry: ${retryMs}\ndata: \n\n`;
}

/**
 * A priming event that announces a gap, in a comment: what the client missed before it is lost.
 *
 * @param text one line, as `gapOf` finds it.
 */
export function gapFrame(position: EventPosition, retryMs: number, text: string): string {
	return `id: ${eventId(position)}\n: gap, ${text}\nretry: ${retryMs}\ndata: \n\n`;
}

/** What a frame tells of a gap, where it announces one. */
export function gapOf(frame: string): string | undefined {
	return /^id: \S+\n: gap, (.*)\n/.exec(frame)?.[1];
}

/** The id that a frame begins with, where it has one. */
export function eventIdOf(frame: string): string | undefined {
	return /^id: (\S+)\n/.exec(frame)?.[1];
}
