const encoder = new TextEncoder();

/** Enqueues a frame. Returns false if the stream was closed or its client has disconnected. */
function enqueueFrame(controller: ReadableStreamDefaultController, frame: string): boolean {
	try {
		controller.enqueue(encoder.encode(frame));
		return true;
	} catch {
		return false;
	}
}

/** Closes a stream. Does nothing if it has ended. */
export function closeStream(controller: ReadableStreamDefaultController): void {
	try {
		controller.close();
	} catch {
		// It has already ended.
	}
}

/**
 * Whether a stream still accepts frames. Transports call a stream manager's `delete` both to end a
 * session and after one stream was cancelled; an ended stream is the only sign of the latter.
 */
export function isStreamOpen(controller: ReadableStreamDefaultController): boolean {
	if (controller.desiredSize === null) return false;
	// 0 means an ended stream or an open one with a full queue: writing a comment tells them apart.
	return controller.desiredSize !== 0 || enqueueFrame(controller, ':\n\n');
}
