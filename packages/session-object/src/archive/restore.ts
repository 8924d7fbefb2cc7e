import { archiveKey, FORMAT, fromJson, quoted, VERSION } from './archive-format.ts';
import type { Header, Line } from './archive-format.ts';
import { ArchiveError } from '../errors.ts';
import { inParts } from './in-parts.ts';

/** Holds what was read of an archive until all of it is there. */
export const STAGED = 'tmcp_restoring';
/** Of what is read at a time, so that an archive may be larger than an object's memory. */
const PART_BYTES = 512 * 1_024;

/**
 * Reads an archive to its end into a table of its own, part by part, which finds out whether it is
 * whole. Nothing else of the object is changed, and other events come in between.
 *
 * @throws {ArchiveError} for one that is not there, cannot be read, or is no whole gzip.
 */
export async function stage(
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
			`there is no archive ${key}; restoreSession takes the id of an object whose session expired`,
		);
	}
	dropStaged(storage);
	storage.sql.exec(`CREATE TABLE ${STAGED} (part INTEGER PRIMARY KEY, bytes BLOB NOT NULL)`);
	let count = 0;
	try {
		// Sound: what a bucket gives are bytes.
		const body = found.body as ReadableStream<Uint8Array>;
		const plain = body.pipeThrough(new DecompressionStream('gzip'));
		for await (const part of inParts(plain, PART_BYTES)) {
			storage.sql.exec(`INSERT INTO ${STAGED} VALUES (?, ?)`, count, part.slice().buffer);
			count += 1;
			// What is on its way to the disk is in memory.
			await storage.sync();
		}
	} catch (cause) {
		throw damaged(key, 'it is no whole gzip', cause);
	}
}

/**
 * Writes what was staged into the tables that it is of, in one turn: all of it or nothing.
 *
 * @param storage of an object that keeps nothing else.
 * @returns how many rows were restored.
 * @throws {ArchiveError} for an archive that is damaged, of another object, or of a later release.
 */
export function restoreStaged(object: string, storage: DurableObjectStorage): number {
	const key = archiveKey(object);
	return storage.transactionSync(() => {
		try {
			// A row may refer to one that comes after it.
			storage.sql.exec('PRAGMA defer_foreign_keys = on');
			const lines = linesOf(storage.sql);
			checkHeader(lines.next().value, key, object);
			const rows = write(lines, key, storage.sql);
			dropStaged(storage);
			return rows;
		} catch (error) {
			if (error instanceof ArchiveError) throw error;
			throw damaged(key, 'a line cannot be restored', error);
		}
	});
}

/** @returns whether anything was staged. */
export function dropStaged({ sql }: DurableObjectStorage): boolean {
	const isThere = sql.exec('SELECT 1 FROM sqlite_master WHERE name = ?', STAGED).toArray();
	if (isThere.length > 0) sql.exec(`DROP TABLE ${STAGED}`);
	return isThere.length > 0;
}

function* linesOf(sql: SqlStorage): Generator<string, undefined> {
	const decoder = new TextDecoder();
	let rest = '';
	for (let part = 0; ; part++) {
		const [row] = sql
			.exec<{ bytes: ArrayBuffer }>(`SELECT bytes FROM ${STAGED} WHERE part = ?`, part)
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
	// Sound as far as it is looked at here.
	const header = JSON.parse(text) as Partial<Header>;
	if (header.format !== FORMAT) throw damaged(key, 'its header is missing');
	if (header.version !== VERSION) {
		throw new ArchiveError(
			`the archive ${key} has version ${header.version}, where this release reads ${VERSION}; deploy a later release`,
		);
	}
	if (header.object !== object) throw damaged(key, 'it is of another object');
}

function write(lines: Iterable<string>, key: string, sql: SqlStorage): number {
	let count = 0;
	let rows = 0;
	let last: Extract<Line, { end: true }> | undefined;
	for (const text of lines) {
		if (last) throw damaged(key, 'it goes on after its end');
		// Sound as far as it is looked at here; a row that is none is refused by SQLite.
		const line = JSON.parse(text) as Line;
		if ('end' in line) {
			last = line;
			continue;
		}
		count += 1;
		if ('sql' in line) {
			sql.exec(line.sql);
			continue;
		}
		const names = Object.keys(line.row);
		sql.exec(
			`INSERT INTO ${quoted(line.table)} (${names.map(quoted).join(', ')})
				VALUES (${names.map(() => '?').join(', ')})`,
			...names.map((name) => fromJson(line.row[name])),
		);
		rows += 1;
	}
	if (last?.lines !== count) throw damaged(key, 'lines are missing');
	return rows;
}

function damaged(key: string, found: string, cause?: unknown): ArchiveError {
	return new ArchiveError(
		`the archive ${key} is damaged (${found}), and nothing of it was restored; take it from a copy ` +
			'of the bucket, or let its client open a new session',
		cause,
	);
}
