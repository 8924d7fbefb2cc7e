/** The first part of an entry's key. Each resource has its own kind, for its subscribers. */
export type EntryKind =
	| 'artifact'
	| 'auth'
	| 'call'
	| 'context'
	| 'leftover'
	| 'meta'
	| 'schedule'
	| 'session'
	| 'sse'
	| 'state'
	| `uri:${string}`;

/** A row of the object's table. */
export interface Entry<Value extends ArrayBuffer | string = string> {
	readonly key: string;
	readonly value: Value;
	/** When the alarm has to handle the entry, in milliseconds since the epoch; null if never. */
	readonly dueMs: number | null;
}
