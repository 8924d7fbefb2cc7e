const encoder = new TextEncoder();

/** Hands a frame to a stream. False where the stream has ended: its client left, or it was closed. */
function enqueueFrame(controller: ReadableStreamDefaultController, frame: string): boolean {
	try {
		controller.enqueue(encoder.encode(frame));
		return true;
	} catch {
		return false;
	}
}

/** Ends a stream; one that has ended already stays as it is. */
export function closeStream(controller: ReadableStreamDefaultController): void {
	try {
		controller.close();
	} catch {
		// It has ended already.
	}
}

/**
 * Whether a stream still takes frames. A transport calls a stream manager's `delete` both to end a
 * session and when one stream was cancelled: only a stream that has ended tells which it was.
 */
export function isStreamOpen(controller: ReadableStreamDefaultController): boolean {
	if (controller.desiredSize === null) return false;
	// 0 is a stream that has ended, or an open one with a full queue: a comment tells them apart.
	return controller.desiredSize !== 0 || enqueueFrame(controller, ':\n\n');
}
