import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';

import { hasEnded } from './task-record.ts';
import type { TaskRecord } from './task-record.ts';
import type { TaskStore } from './task-store.ts';

const OVER = 'the time is over';

/** Observes a task until it has ended, and returns it as it is then or after a time. */
export async function endedWithin(
	ms: number,
	store: Pick<TaskStore, 'watch'>,
	started: TaskRecord,
	report: (error: unknown) => void,
): Promise<TaskRecord> {
	if (ms <= 0) return started;
	const { promise: ended, resolve } = Promise.withResolvers<void>();
	let record = started;
	try {
		const stop = await store.watch(started.name, (changed) => {
			record = changed;
			if (hasEnded(changed)) resolve();
		});
		await withTimeout(ms, ended, () => new Error(OVER)).catch((error: unknown) => {
			if (reasonOf(error) !== OVER) throw error;
		});
		stop?.();
	} catch (error) {
		// The task has started: its client polls it.
		report(error);
	}
	return record;
}
