import { escapeLineTerminators } from '@tmcp-sessions/core/backend';

/** One or more SSE frames, encoded. */
export type Frames = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A comment, which clients skip. It keeps connections open, and its write finds a closed one. No empty
 * line follows it: at each one, Python clients dispatch an empty event once they have seen an id.
 */
export const KEEP_ALIVE: Frames = encoder.encode(': keep-alive\n');

const COLON = 0x3a;
/** The first bytes of U+2028 and U+2029, and of U+0085. */
const FIRST_BYTES = [0xe2, 0xc2] as const;

export function encodeFrames(frames: string): Frames {
	return encoder.encode(frames);
}

export function decodeFrames(frames: Frames): string {
	return decoder.decode(frames);
}

/**
 * Returns a frame of the transport or of a stream manager as it is sent: without characters at which
 * a client may end a line, and without the empty line after a comment.
 */
export function clientFrame(frame: Frames): Frames {
	if (frame[0] === COLON) return frame.subarray(0, -1);
	// Hot path: `indexOf` skips ASCII text faster than it could be decoded.
	if (FIRST_BYTES.every((byte) => !frame.includes(byte))) return frame;
	return encodeFrames(escapeLineTerminators(decodeFrames(frame)));
}
