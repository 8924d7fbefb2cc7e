/** Microtasks in which a tool that awaits nothing has answered: some 40, with a margin. */
const MICROTASKS_OF_A_CALL = 100;

/**
 * Waits for a call as long as nothing but microtasks run. Most calls are answered in the turn in
 * which the server gets them, and a timer for each would cost more than the rest of the handler.
 *
 * @param isAnswered whether the call has been answered.
 */
export async function isAnsweredAtOnce(isAnswered: () => boolean): Promise<boolean> {
	const nothing = Promise.resolve();
	for (let turn = 0; turn < MICROTASKS_OF_A_CALL && !isAnswered(); turn++) await nothing;
	return isAnswered();
}

/** How far a message has come. */
interface Progress {
	/** Resolves when the server has the message. */
	readonly begun: Promise<unknown>;
	readonly isHandled: boolean;
}

/**
 * Waits for a message that the server may not have yet, as above.
 *
 * @param read of the transport's stream. It settles first if the stream ends without the server.
 */
export async function isHandledAtOnce(
	progress: Progress,
	read?: Promise<unknown>,
): Promise<boolean> {
	if (read) await Promise.race([read, progress.begun]);
	return isAnsweredAtOnce(() => progress.isHandled);
}
