/** One or more SSE frames, encoded. */
export type Frames = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** A comment, which clients skip. It keeps connections open, and its write finds a closed one. */
export const KEEP_ALIVE: Frames = encoder.encode(': keep-alive\n\n');

export function encodeFrames(frames: string): Frames {
	return encoder.encode(frames);
}
