import { fromBase64Url, toBase64Url } from '@tmcp-sessions/core/internal';

/** What is at the top of an archive. */
export interface Header {
	readonly format: typeof FORMAT;
	readonly version: number;
	/** The id of the object that it is of. */
	readonly object: string;
	readonly archivedAtMs: number;
}

/** What comes below: what makes a table or index, a row, and at the end how many lines there were. */
export type Line =
	| { readonly sql: string }
	| { readonly table: string; readonly row: Readonly<Record<string, unknown>> }
	| { readonly end: true; readonly lines: number };

export const FORMAT = 'tmcp-sessions session';
export const VERSION = 1;

/** Where the archive of an object is in its bucket. */
export function archiveKey(object: string): string {
	return `sessions/${object}.jsonl.gz`;
}

/** Where an older one is, of a life of the object that this one knows nothing of. */
export function olderArchiveKey(object: string, archivedAtMs: number): string {
	return `sessions/${object}/${archivedAtMs}.jsonl.gz`;
}

/** A name as SQL has it. */
export function quoted(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}

/** Bytes, and infinities, which JSON has none of, are an object here: no value of SQLite is one. */
export function toJson(value: SqlStorageValue): unknown {
	if (value instanceof ArrayBuffer) return { bytes: toBase64Url(new Uint8Array(value)) };
	return value === Infinity || value === -Infinity ? { number: String(value) } : value;
}

/** What `toJson` made of a value. */
export function fromJson(value: unknown): SqlStorageValue {
	if (typeof value === 'string' || typeof value === 'number') return value;
	if (typeof value !== 'object' || value === null) return null;
	if ('number' in value) return Number(value.number);
	if ('bytes' in value && typeof value.bytes === 'string') return fromBase64Url(value.bytes).buffer;
	return null;
}
