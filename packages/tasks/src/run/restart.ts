import type { ExtensionHost } from '@tmcp-sessions/http/internal';

import type { ResolvedTasks } from '../resolve-options.ts';
import { changeTask } from '../task/change-task.ts';
import { isRepeatable } from '../task/list-tools.ts';
import type { TaskCall, TaskRecord } from '../task/task-record.ts';
import type { TaskStore } from '../task/task-store.ts';

/** How often an interrupted call starts by default. */
export const DEFAULT_MAX_ATTEMPTS = 5;
/** The delay before the first restart of a call that was cut off. It doubles with each. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 5 * 60_000;
const INTERNAL_ERROR = -32603;

/** A call that was cut off, or that left memory while it waited. */
export interface StoppedCall {
	readonly record: Pick<TaskRecord, 'principal' | 'tool'>;
	readonly call: TaskCall | undefined;
	/** How often it was cut off. */
	readonly interruptions: number;
	/** Whether it has stored results, from which it can be resumed. */
	readonly usesJournal: boolean;
}

/** Returns why a call must not start again; `undefined` if it may. */
export async function restartProblem(
	{ host, options }: { readonly host: ExtensionHost; readonly options: ResolvedTasks },
	{ record: { principal, tool }, call, interruptions, usesJournal }: StoppedCall,
): Promise<string | undefined> {
	const policy = options.policyOf({ tool, arguments: call?.arguments ?? {}, principal });
	const maxAttempts = policy?.maxAttempts ?? DEFAULT_MAX_ATTEMPTS;
	if (interruptions >= maxAttempts) {
		return `${tool} was interrupted ${interruptions} times by restarts; call it again`;
	}
	if (policy?.onInterrupt === 'resume') return undefined;
	const isAutomatic = policy?.onInterrupt === undefined;
	if (isAutomatic && (usesJournal || (await isRepeatable(host, tool)))) return undefined;
	return (
		`${tool} was interrupted by a restart and cannot be resumed: it is not annotated as idempotent and ` +
		'has stored no steps. Call it again'
	);
}

/** Returns how long to wait before the restart of a call that was cut off this often. */
export function retryDelayMs(interruptions: number): number {
	return Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, interruptions - 1), MAX_RETRY_MS);
}

/** Ends a task with an error. */
export async function failTask(
	store: Pick<TaskStore, 'read' | 'update'>,
	name: string,
	message: string,
): Promise<void> {
	await changeTask(store, name, () => ({
		status: 'failed',
		statusMessage: message,
		inputs: [],
		error: { code: INTERNAL_ERROR, message },
	}));
}
