import { fromBase64Url, toBase64Url } from '@tmcp-sessions/core/internal';

/** The first line of an archive. */
export interface Header {
	readonly format: typeof FORMAT;
	readonly version: number;
	/** The id of the archived object. */
	readonly object: string;
	readonly archivedAtMs: number;
}

/** A line after the header: the SQL of a table or index, a row, or the end with the number of lines. */
export type Line =
	| { readonly sql: string }
	| { readonly table: string; readonly row: Readonly<Record<string, unknown>> }
	| { readonly end: true; readonly lines: number };

export const FORMAT = 'tmcp-sessions session';
export const VERSION = 1;

/** Returns the bucket key of an object's archive. */
export function archiveKey(object: string): string {
	return `sessions/${object}.jsonl.gz`;
}

/** Returns the bucket key of an older archive, from an earlier lifetime of the object. */
export function olderArchiveKey(object: string, archivedAtMs: number): string {
	return `sessions/${object}/${archivedAtMs}.jsonl.gz`;
}

/** Quotes a name as an SQL identifier. */
export function quoteIdentifier(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}

/** Encodes a SQLite value. Bytes and infinities, which JSON lacks, become objects. */
export function toJson(value: SqlStorageValue): unknown {
	if (value instanceof ArrayBuffer) return { bytes: toBase64Url(new Uint8Array(value)) };
	return value === Infinity || value === -Infinity ? { number: String(value) } : value;
}

/** Decodes the output of `toJson`. */
export function fromJson(value: unknown): SqlStorageValue {
	if (typeof value === 'string' || typeof value === 'number') return value;
	if (typeof value !== 'object' || value === null) return null;
	if ('number' in value) return Number(value.number);
	if ('bytes' in value && typeof value.bytes === 'string') return fromBase64Url(value.bytes).buffer;
	return null;
}
