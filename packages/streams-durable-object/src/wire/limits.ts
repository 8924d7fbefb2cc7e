/**
 * The maximum length of a message in UTF-16 units. A WebSocket message holds 32 MiB of UTF-8, at up to
 * three bytes a unit; an RPC holds 32 MiB at two bytes a unit.
 * https://developers.cloudflare.com/durable-objects/platform/limits/
 */
export const MAX_MESSAGE_LENGTH: number = Math.floor((32 * 1024 * 1024) / 3);

/** The maximum length of an SSE frame. It leaves room for the event id that is added to it. */
export const MAX_FRAME_LENGTH: number = MAX_MESSAGE_LENGTH - 256;

/**
 * The maximum length of a session id in bytes, URI encoded: it is part of a tag, which holds 256.
 * https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket
 */
export const MAX_SESSION_ID_BYTES = 240;

/**
 * The maximum number of an object's streams that share sockets, each of which takes about a kilobyte of its
 * 128 MB. As many as it may have sockets.
 * https://developers.cloudflare.com/durable-objects/platform/limits/
 */
export const MAX_SHARED_STREAMS = 32_768;

/**
 * How long an inbox may take to reconnect once its object can be reached: a pause of at most 5 s, after
 * an attempt that takes at most 10 s. A call whose inbox is absent for longer is lost.
 */
export const INBOX_RECONNECT_MS = 20_000;

/** Returns the text of an error for a message that is too long, or `undefined`. */
export function lengthProblem(
	length: number,
	maxLength: number = MAX_MESSAGE_LENGTH,
): string | undefined {
	if (length <= maxLength) return undefined;
	return `a message must have at most ${maxLength} UTF-16 units; got ${length}. Send less`;
}
