import {
	archiveKey,
	FORMAT,
	olderArchiveKey,
	quoteIdentifier,
	toJson,
	VERSION,
} from './archive-format.ts';
import type { Header, Line } from './archive-format.ts';
import { ArchiveError } from '../errors.ts';
import { STAGING_TABLE } from './restore-archive.ts';
import { splitIntoParts } from './split-into-parts.ts';

/** R2 requires parts of at least 5 MiB, all of the same length except the last. */
const PART_BYTES = 8 * 1_024 * 1_024;
/** The names of tables that the platform creates. */
const PLATFORM = /^(?:_cf_|sqlite_)/;

interface ArchivedObject {
	readonly id: string;
	/** Identifies the object's life, see `Lifetime.originMs`. */
	readonly originMs: number;
}

/**
 * Writes all tables of an object to a bucket as gzipped JSON lines: a header, each table with its rows,
 * and a last line with the number of lines. Replaces the archive that this life of the object was
 * restored from, and moves any other archive to a separate key.
 *
 * @throws {ArchiveError} if there is no bucket, or the upload fails.
 */
export async function writeArchive(
	bucket: R2Bucket | undefined,
	{ id: object, originMs }: ArchivedObject,
	sql: SqlStorage,
	nowMs: number,
): Promise<void> {
	const header: Header = { format: FORMAT, version: VERSION, object, archivedAtMs: nowMs };
	try {
		if (!bucket) throw new Error('settings.archive is true and settings.bucket is missing: set it');
		const metadata = { origin: `${originMs}` };
		await moveOlder(bucket, object, metadata);
		const options = { customMetadata: metadata };
		await upload(bucket, archiveKey(object), gzip(encode(header, sql)), options);
	} catch (cause) {
		throw new ArchiveError(
			'an expired session could not be archived; it is kept until the archive succeeds',
			cause,
		);
	}
}

/** Moves the archive of an earlier life: an identity's object is used again after it was deleted. */
async function moveOlder(
	bucket: R2Bucket,
	object: string,
	{ origin }: { origin: string },
): Promise<void> {
	const key = archiveKey(object);
	const found = await bucket.head(key);
	if (!found || found.customMetadata?.['origin'] === origin) return;
	const older = await bucket.get(key);
	if (!older) return;
	const { body, customMetadata = {}, uploaded } = older;
	await bucket.put(olderArchiveKey(object, uploaded.getTime()), body, { customMetadata });
}

function* encode(header: Header, sql: SqlStorage): Generator<Uint8Array> {
	const encoder = new TextEncoder();
	const encodeLine = (value: Header | Line): Uint8Array =>
		encoder.encode(`${JSON.stringify(value)}\n`);
	yield encodeLine(header);
	let lines = 0;
	const schema = sql
		.exec<{ type: string; name: string; sql: string | null }>(
			// Tables come first because indexes depend on them. A virtual table creates its shadow tables itself.
			`SELECT type, name, sql FROM sqlite_master
				WHERE name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')
				ORDER BY type <> 'table', rowid`,
		)
		.toArray()
		.filter(({ name }) => !PLATFORM.test(name) && name !== STAGING_TABLE);
	const isTable = ({ type }: { type: string }): boolean => type === 'table';
	for (const { name, sql: statement } of schema.filter(isTable)) {
		if (statement === null) continue;
		yield encodeLine({ sql: statement });
		lines += 1;
		for (const row of sql.exec(
			`SELECT ${storedColumns(name, sql)} FROM ${quoteIdentifier(name)}`,
		)) {
			const values = Object.entries(row).map(([column, value]) => [column, toJson(value)]);
			yield encodeLine({
				table: name,
				row: Object.fromEntries(values) as Record<string, unknown>,
			});
			lines += 1;
		}
	}
	// Indexes, triggers and views come last: triggers must not fire while rows are restored.
	for (const { sql: statement } of schema.filter((each) => !isTable(each))) {
		if (statement === null) continue;
		yield encodeLine({ sql: statement });
		lines += 1;
	}
	yield encodeLine({ end: true, lines });
}

/** Lists the stored columns: SQLite computes generated columns and rejects writes to them. */
function storedColumns(table: string, sql: SqlStorage): string {
	return sql
		.exec<{ name: string }>('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0', table)
		.toArray()
		.map(({ name }) => quoteIdentifier(name))
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

/** Uploads a small archive at once and a large one in parts: R2 requires a known length. */
async function upload(
	bucket: R2Bucket,
	key: string,
	body: ReadableStream<Uint8Array>,
	options: R2PutOptions & R2MultipartOptions,
): Promise<void> {
	const parts = splitIntoParts(body, PART_BYTES);
	const first = await parts.next();
	if (first.done || first.value.length < PART_BYTES) {
		await bucket.put(key, first.value ?? new Uint8Array(), options);
		return;
	}
	const multipart = await bucket.createMultipartUpload(key, options);
	try {
		const uploaded = [await multipart.uploadPart(1, first.value)];
		for await (const part of parts) {
			uploaded.push(await multipart.uploadPart(uploaded.length + 1, part));
		}
		await multipart.complete(uploaded);
	} catch (error) {
		// The upload's own error is thrown; R2 removes an incomplete upload after a week.
		await multipart.abort().catch(() => {});
		throw error;
	}
}
