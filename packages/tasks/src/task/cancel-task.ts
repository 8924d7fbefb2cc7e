import { changeTask } from './change-task.ts';
import type { TaskStore } from './task-store.ts';

/**
 * Stores that the client has cancelled a task.
 *
 * @returns whether the task is known, and whether it was changed: not if it has ended before.
 */
export async function cancelTask(
	store: Pick<TaskStore, 'read' | 'update'>,
	name: string,
): Promise<{ readonly isKnown: boolean; readonly isChanged: boolean }> {
	const changed = await changeTask(store, name, () => ({
		status: 'cancelled',
		statusMessage: 'Cancelled by the client',
		inputs: [],
	}));
	return { isKnown: changed !== undefined, isChanged: changed?.isChanged ?? false };
}
