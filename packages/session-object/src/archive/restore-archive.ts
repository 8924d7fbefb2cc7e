import { archiveKey, FORMAT, fromJson, quoteIdentifier, VERSION } from './archive-format.ts';
import type { Header, Line } from './archive-format.ts';
import { ArchiveError } from '../errors.ts';
import { splitIntoParts } from './split-into-parts.ts';

/** Holds the decompressed archive until all of it was read. */
export const STAGING_TABLE = 'tmcp_restoring';
/** Read in parts: an archive may be larger than the object's memory. */
const PART_BYTES = 512 * 1_024;

/**
 * Reads an archive into a staging table in parts, which verifies that it is complete. Other
 * events may run meanwhile: no other table of the object is changed.
 *
 * @throws {ArchiveError} if the archive is missing, unreadable or not a complete gzip file.
 */
export async function stageArchive(
	bucket: R2Bucket,
	object: string,
	storage: DurableObjectStorage,
): Promise<void> {
	const key = archiveKey(object);
	const found = await bucket.get(key).catch((cause: unknown) => {
		throw new ArchiveError(`the archive ${key} cannot be read; try again later`, cause);
	});
	if (!found) {
		throw new ArchiveError(
			`the archive ${key} does not exist; restoreSession requires the objectId of an expired session`,
		);
	}
	dropStaged(storage);
	storage.sql.exec(`CREATE TABLE ${STAGING_TABLE} (part INTEGER PRIMARY KEY, bytes BLOB NOT NULL)`);
	let count = 0;
	try {
		// Safe because the body of an R2 object is a stream of bytes.
		const body = found.body as ReadableStream<Uint8Array>;
		const plain = body.pipeThrough(new DecompressionStream('gzip'));
		for await (const part of splitIntoParts(plain, PART_BYTES)) {
			storage.sql.exec(`INSERT INTO ${STAGING_TABLE} VALUES (?, ?)`, count, part.slice().buffer);
			count += 1;
			// Bounds the memory: a write stays in memory until it has reached the disk.
			await storage.sync();
		}
	} catch (cause) {
		throw damaged(key, 'it is not a complete gzip file', cause);
	}
}

/**
 * Restores the tables from the staging table in one transaction.
 *
 * @param storage must be empty except for the staging table.
 * @returns the number of restored rows.
 * @throws {ArchiveError} if the archive is damaged, or was written for another object or by a later release.
 */
export function restoreStaged(object: string, storage: DurableObjectStorage): number {
	const key = archiveKey(object);
	return storage.transactionSync(() => {
		try {
			// A row may reference a later one.
			storage.sql.exec('PRAGMA defer_foreign_keys = on');
			const lines = stagedLines(storage.sql);
			checkHeader(lines.next().value, key, object);
			const rows = restoreLines(lines, key, storage.sql);
			dropStaged(storage);
			return rows;
		} catch (error) {
			if (error instanceof ArchiveError) throw error;
			throw damaged(key, 'a line cannot be restored', error);
		}
	});
}

/** Drops the staging table. @returns whether it existed. */
export function dropStaged({ sql }: DurableObjectStorage): boolean {
	const rows = sql.exec('SELECT 1 FROM sqlite_master WHERE name = ?', STAGING_TABLE).toArray();
	if (rows.length > 0) sql.exec(`DROP TABLE ${STAGING_TABLE}`);
	return rows.length > 0;
}

function* stagedLines(sql: SqlStorage): Generator<string, undefined> {
	const decoder = new TextDecoder();
	let rest = '';
	for (let part = 0; ; part++) {
		const [row] = sql
			.exec<{ bytes: ArrayBuffer }>(`SELECT bytes FROM ${STAGING_TABLE} WHERE part = ?`, part)
			.toArray();
		if (!row) break;
		const lines = (rest + decoder.decode(row.bytes, { stream: true })).split('\n');
		rest = lines.pop() ?? '';
		yield* lines;
	}
	if (rest !== '') yield rest;
	return undefined;
}

function checkHeader(text: string | undefined, key: string, object: string): void {
	if (text === undefined) throw damaged(key, 'it is empty');
	// Safe because each field that is read is checked below.
	const header = JSON.parse(text) as Partial<Header>;
	if (header.format !== FORMAT) throw damaged(key, 'its header is missing');
	if (header.version !== VERSION) {
		throw new ArchiveError(
			`the archive ${key} has version ${header.version} and this release reads version ${VERSION}; deploy a later release`,
		);
	}
	if (header.object !== object) throw damaged(key, 'it belongs to another object');
}

function restoreLines(lines: Iterable<string>, key: string, sql: SqlStorage): number {
	let count = 0;
	let rows = 0;
	let end: Extract<Line, { end: true }> | undefined;
	for (const text of lines) {
		if (end) throw damaged(key, 'it continues after its last line');
		// Safe because SQLite rejects an invalid row, and `JSON.parse` has rejected anything but JSON.
		const line = JSON.parse(text) as Line;
		if ('end' in line) {
			end = line;
			continue;
		}
		count += 1;
		if ('sql' in line) {
			sql.exec(line.sql);
			continue;
		}
		const columns = Object.keys(line.row);
		sql.exec(
			`INSERT INTO ${quoteIdentifier(line.table)} (${columns.map(quoteIdentifier).join(', ')})
				VALUES (${columns.map(() => '?').join(', ')})`,
			...columns.map((column) => fromJson(line.row[column])),
		);
		rows += 1;
	}
	if (end?.lines !== count) throw damaged(key, 'lines are missing');
	return rows;
}

function damaged(key: string, reason: string, cause?: unknown): ArchiveError {
	return new ArchiveError(
		`the archive ${key} is damaged (${reason}) and was not restored; use a copy from a backup of the ` +
			'bucket, or let the client open a new session',
		cause,
	);
}
