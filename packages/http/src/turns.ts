import type { RequestWork } from './request-work.ts';

/** Microtasks in which a tool that waits for nothing has answered: some 40, with room to spare. */
const TURNS_OF_A_CALL = 100;

/**
 * Waits for what needs no waiting: most calls are answered in the turn in which the server gets
 * them, and a timer for each would cost more than all else here.
 *
 * @param work the server has its message.
 * @returns whether the server is through.
 */
export async function answeredAtOnce(work: RequestWork): Promise<boolean> {
	for (let turn = 0; turn < TURNS_OF_A_CALL && !work.isHandled; turn++) await Promise.resolve();
	return work.isHandled;
}
