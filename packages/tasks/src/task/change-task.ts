import { channels } from '@tmcp-sessions/core/internal';

import { taskError } from '../task-error.ts';
import { hasEnded } from './task-record.ts';
import type { TaskPatch, TaskRecord } from './task-record.ts';
import type { TaskStore } from './task-store.ts';

/** Concurrent changes of one task are few: its run, a client that responds, and one that cancels. */
const MAX_ATTEMPTS = 50;

/**
 * Changes a task, again if another change comes first.
 *
 * @param change returns the changes to a record; `undefined` for none.
 * @returns the task afterwards, and whether it was changed. `undefined` if the task is unknown.
 */
export async function changeTask(
	store: Pick<TaskStore, 'read' | 'update'>,
	name: string,
	change: (record: TaskRecord) => TaskPatch | undefined,
): Promise<{ readonly record: TaskRecord; readonly isChanged: boolean } | undefined> {
	for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
		const record = await store.read(name);
		if (!record) return undefined;
		const patch = hasEnded(record) ? undefined : change(record);
		if (!patch) return { record, isChanged: false };
		const changed = await store.update(name, record.revision, patch);
		if (!changed) continue;
		if (hasEnded(changed) && channels.task.hasSubscribers) publishEnd(changed);
		return { record: changed, isChanged: true };
	}
	throw taskError(`a task was changed by others ${MAX_ATTEMPTS} times in a row; try again later`);
}

function publishEnd({ createdAtMs, status, tool, updatedAtMs }: TaskRecord): void {
	const durationMs = updatedAtMs - createdAtMs;
	channels.task.publish({ action: 'ended', tool, status, durationMs });
}
