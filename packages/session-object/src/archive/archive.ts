import { archiveKey, FORMAT, olderArchiveKey, quoted, toJson, VERSION } from './archive-format.ts';
import type { Header, Line } from './archive-format.ts';
import { ArchiveError } from '../errors.ts';
import { inParts } from './in-parts.ts';
import { STAGED } from './restore.ts';

/** The parts of an upload have at least 5 MiB, all but the last the same length. */
const PART_BYTES = 8 * 1_024 * 1_024;
/** The platform makes these. */
const PLATFORM = /^(?:_cf_|sqlite_)/;

/** What is archived. */
interface ArchivedObject {
	readonly id: string;
	/** Of its life, see `Lifetime.originMs`. */
	readonly originMs: number;
}

/**
 * Writes all tables of an object into a bucket: a gzip of JSON lines, a header first, then each table
 * with its rows, and a last line that says how many there were. It takes the place of an older archive
 * that it was restored of; any other is kept, under a key of its own.
 *
 * @throws {ArchiveError} where there is no bucket, or it does not take it.
 */
export async function archive(
	bucket: R2Bucket | undefined,
	{ id: object, originMs }: ArchivedObject,
	sql: SqlStorage,
	nowMs: number,
): Promise<void> {
	const header: Header = { format: FORMAT, version: VERSION, object, archivedAtMs: nowMs };
	try {
		if (!bucket) throw new Error('settings.archive is true and settings.bucket is missing: set it');
		const metadata = { origin: `${originMs}` };
		await keepOlder(bucket, object, metadata);
		const options = { customMetadata: metadata };
		await upload(bucket, archiveKey(object), gzip(encoded(header, sql)), options);
	} catch (cause) {
		throw new ArchiveError(
			'a session that expired could not be archived; it is kept, and archived later',
			cause,
		);
	}
}

/** An identity's object is used again after it was emptied: what it was before is nowhere else. */
async function keepOlder(
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

function* encoded(header: Header, sql: SqlStorage): Generator<Uint8Array> {
	const encoder = new TextEncoder();
	const line = (value: Header | Line): Uint8Array => encoder.encode(`${JSON.stringify(value)}\n`);
	yield line(header);
	let lines = 0;
	const schema = sql
		.exec<{ type: string; name: string; sql: string | null }>(
			// Tables first: what belongs to one needs it. A virtual table makes its shadows itself.
			`SELECT type, name, sql FROM sqlite_master
				WHERE name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')
				ORDER BY type <> 'table', rowid`,
		)
		.toArray()
		.filter(({ name }) => !PLATFORM.test(name) && name !== STAGED);
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
	options: R2PutOptions & R2MultipartOptions,
): Promise<void> {
	const parts = inParts(body, PART_BYTES);
	const first = await parts.next();
	if (first.done || first.value.length < PART_BYTES) {
		await bucket.put(key, first.value ?? new Uint8Array(), options);
		return;
	}
	const started = await bucket.createMultipartUpload(key, options);
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
