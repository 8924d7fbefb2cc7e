import type { RequestContext } from '../request/request-context.ts';

/** Microtasks in which a tool that waits for nothing has answered: some 40, with room to spare. */
const TURNS_OF_A_CALL = 100;

/**
 * Waits for what needs no waiting: most calls are answered in the turn in which the server gets
 * them, and a timer for each would cost more than all else here.
 *
 * @param read of the transport's stream, where the server may not have the message yet: it has it
 * then, or the stream ends without.
 * @returns whether the server is through.
 */
export async function isAnsweredAtOnce(
	work: RequestContext,
	read?: Promise<unknown>,
): Promise<boolean> {
	if (read) await Promise.race([read, work.begun]);
	const nothing = Promise.resolve();
	for (let turn = 0; turn < TURNS_OF_A_CALL && !work.isHandled; turn++) await nothing;
	return work.isHandled;
}
