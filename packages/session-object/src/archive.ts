import { fromBase64Url, toBase64Url } from '@tmcp-sessions/core';

import { ArchiveError } from './errors.ts';

/** What is at the top of an archive. */
interface Header {
	readonly format: typeof FORMAT;
	readonly version: number;
	/** The id of the object that it is of. */
	readonly object: string;
	readonly archivedAtMs: number;
}

type Line =
	| { readonly sql: string }
	| { readonly table: string; readonly row: Readonly<Record<string, unknown>> }
	| { readonly end: true; readonly lines: number };

const FORMAT = 'tmcp-sessions session';
const VERSION = 1;
/** The parts of an upload have at least 5 MiB, all but the last the same length. */
const PART_BYTES = 8 * 1_024 * 1_024;
/** Ours and the platform's, which are made by it. */
const PLATFORM = /^(?:_cf_|sqlite_)/;

/** Where the archive of an object is. */
function archiveKey(object: string): string {
	return `sessions/${object}.jsonl.gz`;
}

/**
 * Writes all tables of an object into a bucket: a gzip of JSON lines, a header first, then each table
 * with its rows, and a last line that says how many there were.
 *
 * @throws {ArchiveError} where the bucket does not take it.
 */
export async function archive(
	bucket: R2Bucket,
	object: string,
	sql: SqlStorage,
	nowMs: number,
): Promise<void> {
	const key = archiveKey(object);
	const header: Header = { format: FORMAT, version: VERSION, object, archivedAtMs: nowMs };
	try {
		await upload(bucket, key, gzip(encoded(header, sql)));
	} catch (cause) {
		throw new ArchiveError(
			'a session that expired could not be archived; it is kept, and archived later',
			cause,
		);
	}
}

/**
 * Reads an archive to its end, and then writes what it holds: all of it or nothing.
 *
 * @param storage of an object that keeps nothing.
 * @returns how many rows were restored.
 * @throws {ArchiveError} for one that is not there, damaged, or of another object.
 */
export async function restore(
	bucket: R2Bucket,
	object: string,
	storage: DurableObjectStorage,
): Promise<number> {
	const key = archiveKey(object);
	const found = await bucket.get(key).catch((cause: unknown) => {
		throw new ArchiveError(`the archive ${key} cannot be read; try again later`, cause);
	});
	if (!found) {
		throw new ArchiveError(
			`there is no archive ${key}; restoreSession takes the id of an object whose session expired`,
		);
	}
	// Sound: what a bucket gives are bytes.
	const body = found.body as ReadableStream<Uint8Array>;
	const lines = await linesOf(body, key, object);
	return storage.transactionSync(() => {
		// A row may refer to one that comes after it.
		storage.sql.exec('PRAGMA defer_foreign_keys = on');
		let rows = 0;
		for (const line of lines) {
			if ('sql' in line) storage.sql.exec(line.sql);
			if (!('row' in line)) continue;
			const names = Object.keys(line.row);
			storage.sql.exec(
				`INSERT INTO ${quoted(line.table)} (${names.map(quoted).join(', ')})
					VALUES (${names.map(() => '?').join(', ')})`,
				...names.map((name) => fromJson(line.row[name])),
			);
			rows += 1;
		}
		return rows;
	});
}

function* encoded(header: Header, sql: SqlStorage): Generator<Uint8Array> {
	const encoder = new TextEncoder();
	const line = (value: Header | Line): Uint8Array => encoder.encode(`${JSON.stringify(value)}\n`);
	yield line(header);
	let lines = 0;
	const schema = sql
		.exec<{ type: string; name: string; sql: string | null }>(
			// Tables first: what belongs to one needs it.
			"SELECT type, name, sql FROM sqlite_master ORDER BY type <> 'table', rowid",
		)
		.toArray()
		.filter(({ name }) => !PLATFORM.test(name));
	const isTable = ({ type }: { type: string }): boolean => type === 'table';
	for (const { name, sql: statement } of schema.filter(isTable)) {
		if (statement === null) continue;
		yield line({ sql: statement });
		lines += 1;
		for (const row of sql.exec(`SELECT ${columnsOf(name, sql)} FROM ${quoted(name)}`)) {
			const values = Object.entries(row).map(([column, value]) => [column, toJson(value)]);
			yield line({ table: name, row: Object.fromEntries(values) as Record<string, unknown> });
			lines += 1;
		}
	}
	// Indexes, triggers and views last: a trigger must not go off while rows are restored.
	for (const { sql: statement } of schema.filter((each) => !isTable(each))) {
		if (statement === null) continue;
		yield line({ sql: statement });
		lines += 1;
	}
	yield line({ end: true, lines });
}

/** Those that are stored: the others are generated of them, and nothing can be written into them. */
function columnsOf(table: string, sql: SqlStorage): string {
	return sql
		.exec<{ name: string }>('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0', table)
		.toArray()
		.map(({ name }) => quoted(name))
		.join(', ');
}

function gzip(chunks: Iterator<Uint8Array>): ReadableStream<Uint8Array> {
	const plain = new ReadableStream<Uint8Array>({
		pull(controller) {
			const next = chunks.next();
			if (next.done) controller.close();
			else controller.enqueue(next.value);
		},
	});
	return plain.pipeThrough(new CompressionStream('gzip'));
}

/** In one piece where it is small, and in parts where it is not: the bucket must know a length. */
async function upload(
	bucket: R2Bucket,
	key: string,
	body: ReadableStream<Uint8Array>,
): Promise<void> {
	const parts = partsOf(body);
	const first = await parts.next();
	if (first.done || first.value.length < PART_BYTES) {
		await bucket.put(key, first.value ?? new Uint8Array());
		return;
	}
	const started = await bucket.createMultipartUpload(key);
	try {
		const uploaded = [await started.uploadPart(1, first.value)];
		for await (const part of parts) {
			uploaded.push(await started.uploadPart(uploaded.length + 1, part));
		}
		await started.complete(uploaded);
	} catch (error) {
		await started.abort().catch(() => {}); // What failed is thrown.
		throw error;
	}
}

/** All of the same length but the last, which may be empty where it is the only one. */
async function* partsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
	let chunks: Uint8Array[] = [];
	let length = 0;
	for await (const chunk of body) {
		chunks.push(chunk);
		length += chunk.length;
		if (length < PART_BYTES) continue;
		const all = new Uint8Array(await new Blob(chunks).arrayBuffer());
		let start = 0;
		for (; all.length - start >= PART_BYTES; start += PART_BYTES) {
			yield all.subarray(start, start + PART_BYTES);
		}
		chunks = [all.subarray(start)];
		length = all.length - start;
	}
	if (length > 0) yield new Uint8Array(await new Blob(chunks).arrayBuffer());
	return undefined;
}

async function linesOf(
	body: ReadableStream<Uint8Array>,
	key: string,
	object: string,
): Promise<Line[]> {
	const damaged = (found: string, cause?: unknown): ArchiveError =>
		new ArchiveError(
			`the archive ${key} is damaged (${found}), and nothing of it was restored; take it from a copy ` +
				'of the bucket, or let its client open a new session',
			cause,
		);
	let text: string;
	try {
		const plain = body.pipeThrough(new DecompressionStream('gzip'));
		text = await new Response(plain).text();
	} catch (cause) {
		throw damaged('it is no whole gzip', cause);
	}
	const [first = '', ...rest] = text.trimEnd().split('\n');
	let lines: Line[];
	let header: Header;
	try {
		// Sound as far as it is looked at below; a row that is none makes SQLite refuse all.
		header = JSON.parse(first) as Header;
		lines = rest.map((line) => JSON.parse(line) as Line);
	} catch (cause) {
		throw damaged('a line is no JSON', cause);
	}
	if (header.format !== FORMAT) throw damaged('its header is missing');
	if (header.version !== VERSION) {
		throw new ArchiveError(
			`the archive ${key} has version ${header.version}, where this release reads ${VERSION}; deploy a later release`,
		);
	}
	if (header.object !== object) throw damaged('it is of another object');
	const last = lines.pop();
	if (!last || !('end' in last) || last.lines !== lines.length) throw damaged('lines are missing');
	return lines;
}

function quoted(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}

/** Bytes are an object here, which no value of SQLite is. */
function toJson(value: SqlStorageValue): unknown {
	if (!(value instanceof ArrayBuffer)) return value;
	return { bytes: toBase64Url(new Uint8Array(value)) };
}

function fromJson(value: unknown): SqlStorageValue {
	if (typeof value === 'string' || typeof value === 'number') return value;
	if (typeof value === 'object' && value !== null && 'bytes' in value) {
		if (typeof value.bytes === 'string') return fromBase64Url(value.bytes).buffer;
	}
	return null;
}
