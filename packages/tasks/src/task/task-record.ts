import type { ClientMetadata, JsonObject } from '@tmcp-sessions/http/internal';

/** The state of a task, as the protocol names it. */
export type TaskStatus = 'cancelled' | 'completed' | 'failed' | 'input_required' | 'working';

/** A server request of a task, and the response of the client. JSON only. */
export interface TaskInput {
	/** Unique for the life of the task. */
	readonly key: string;
	readonly request: { readonly method: string; readonly params?: JsonObject | undefined };
	/** Undefined until the client has responded. */
	readonly response?: JsonObject | undefined;
}

/** A JSON-RPC error. */
export interface TaskError {
	readonly code: number;
	readonly message: string;
	readonly data?: unknown;
}

/** How far a call has come. */
export interface TaskProgress {
	readonly progress: number;
	readonly total?: number | undefined;
}

/** The state of a task. JSON only. */
export interface TaskRecord {
	/** Identifies the task in storage. Clients get a signed id, which contains it. */
	readonly name: string;
	/** Counts the changes of this record, from 0. */
	readonly revision: number;
	/** Whom the task belongs to. Empty if it belongs to no principal. */
	readonly principal: string;
	/** The internal id of the session that the task belongs to, if its client speaks 2025-11-25. */
	readonly session?: string | undefined;
	/** What the client of such a session recognizes the progress of its call by. */
	readonly progressToken?: number | string | undefined;
	readonly tool: string;
	readonly status: TaskStatus;
	readonly statusMessage?: string | undefined;
	/** The last progress of the call. Set if the task has a `progressToken`. */
	readonly progress?: TaskProgress | undefined;
	/** Milliseconds since the epoch, like all times here. */
	readonly createdAtMs: number;
	readonly updatedAtMs: number;
	readonly expiresAtMs: number;
	readonly pollIntervalMs: number;
	/** How often the call was started. */
	readonly attempts: number;
	/** Whether the call has left memory while it waits. Set by engines without another place for it. */
	readonly isParked?: boolean | undefined;
	/** Whether the call has waited in a way from which it can be resumed. Set by the same engines. */
	readonly usesJournal?: boolean | undefined;
	/** The server requests of the call, in the order in which the tool sent them. */
	readonly inputs: readonly TaskInput[];
	/** The result of the call, if `status` is `completed`. */
	readonly result?: JsonObject | undefined;
	/** The error of the call, if `status` is `failed`. */
	readonly error?: TaskError | undefined;
}

/** The fields of a record that can change. */
export type TaskPatch = Partial<
	Pick<
		TaskRecord,
		| 'attempts'
		| 'error'
		| 'inputs'
		| 'isParked'
		| 'progress'
		| 'result'
		| 'status'
		| 'statusMessage'
		| 'usesJournal'
	>
>;

/** The call that a task runs. Never changes. JSON only, without tokens. */
export interface TaskCall {
	readonly arguments?: JsonObject | undefined;
	/** Fields of `_meta` that do not belong to the protocol. */
	readonly metadata?: JsonObject | undefined;
	/** What the client declared about itself. */
	readonly session: ClientMetadata;
	/** The internal id of a session-based client. */
	readonly sessionId?: string | undefined;
	/** What `saveContext` returned. */
	readonly context?: unknown;
}

/** A completed step of a task. JSON only. */
export interface TaskStep {
	readonly name: string;
	readonly kind: 'sleep' | 'step';
	/** How many steps had started before it. */
	readonly index: number;
	/** Whether another step ran at the same time. */
	readonly isConcurrent: boolean;
	/** The result of a step; when a sleep ends, in milliseconds since the epoch. */
	readonly value?: unknown;
}

/**
 * Returns whose tasks are listed and limited together: those of a principal, or without one, those of a
 * session. Empty if they are not listed.
 */
export function ownerOf({ principal, session }: Pick<TaskRecord, 'principal' | 'session'>): string {
	if (principal !== '' || session === undefined) return principal;
	// Differs from every principal, which is a JSON array.
	return `session ${session}`;
}

/** Whether a task has ended: its record does not change any more. */
export function hasEnded({ status }: Pick<TaskRecord, 'status'>): boolean {
	return status === 'cancelled' || status === 'completed' || status === 'failed';
}
