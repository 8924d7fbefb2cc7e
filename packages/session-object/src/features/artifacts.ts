import { MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';

import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';

/** A large named object, such as a file, that a session stores. */
export interface Artifact {
	readonly name: string;
	readonly type: string;
	readonly bytes: ArrayBuffer;
}

/** Describes an artifact without its bytes. */
export interface ArtifactInfo {
	readonly name: string;
	readonly type: string;
	/** In bytes. */
	readonly size: number;
}

/** The artifacts of a session: small ones are stored in the object, larger ones in a bucket. */
export interface SessionArtifacts {
	/**
	 * Stores an artifact. Replaces the one of the same name.
	 *
	 * @param type a media type. Default: `application/octet-stream`.
	 * @throws {SessionStateError} if the artifact is too large for the object and there is no bucket.
	 */
	put(name: string, content: ArrayBuffer | string | Uint8Array, type?: string): Promise<void>;
	get(name: string): Promise<Artifact | undefined>;
	delete(name: string): Promise<void>;
	list(): ArtifactInfo[];
}

interface StoredArtifact {
	readonly type: string;
	readonly size: number;
	/** The key of the bytes in the bucket; undefined if they are stored in the object. */
	readonly key?: string | undefined;
}

const MAX_NAME_LENGTH = 256;
/** A row holds at most 2 MB, and Durable Object storage costs more than R2. */
export const DEFAULT_ARTIFACT_BYTES: number = 64 * 1_024;
/** Ends the key of the entry that holds the bytes, beside the entry that describes the artifact. */
const BYTES = '\u0000bytes';
/** `R2Bucket.delete` accepts at most this many keys. */
const MAX_DELETED_KEYS = 1_000;

export interface ArtifactOptions {
	readonly bucket: R2Bucket | undefined;
	/** The object's id, which prefixes the keys of its artifacts in the bucket. */
	readonly object: string;
	/** Larger artifacts go to the bucket. */
	readonly maxBytes: number;
	readonly report: (error: unknown) => void;
}

/**
 * Stores the artifacts of a session in the object's entries and in its bucket. Writes in the bucket
 * cannot be rolled back: an entry of kind `leftover` marks each key that no artifact refers to, from
 * before the key may become unused until its deletion has succeeded.
 */
export class StoredArtifacts implements SessionArtifacts {
	readonly #entries: Entries;
	readonly #options: ArtifactOptions;

	constructor(entries: Entries, options: ArtifactOptions) {
		this.#entries = entries;
		this.#options = options;
	}

	async put(
		name: string,
		content: ArrayBuffer | string | Uint8Array,
		type = 'application/octet-stream',
	): Promise<void> {
		if (name === '' || name.length > MAX_NAME_LENGTH || name.includes('\u0000')) {
			throw new SessionStateError(
				`the name of an artifact must have 1 to ${MAX_NAME_LENGTH} characters other than NUL; got ` +
					`${name.length}`,
			);
		}
		this.#entries.checkOpen();
		const bytes = copyBytes(content);
		const { bucket, maxBytes } = this.#options;
		if (bytes.byteLength > Math.min(maxBytes, MAX_ROW_BYTES)) {
			if (bucket) return this.#putInBucket(bucket, { name, type, bytes });
			throw new SessionStateError(
				`the artifact "${name}" has ${bytes.byteLength} bytes and the object stores at most ` +
					`${Math.min(maxBytes, MAX_ROW_BYTES)}; bind an R2 bucket and set settings.bucket to store larger ones`,
			);
		}
		const replacedKey = this.#entries.atomically(() => {
			const key = this.#markReplaced(name);
			this.#write(name, { type, size: bytes.byteLength });
			this.#entries.write('artifact', name + BYTES, bytes);
			return key;
		});
		await this.#deleteFromBucket(replacedKey);
	}

	async #putInBucket(bucket: R2Bucket, { name, type, bytes }: Artifact): Promise<void> {
		// A new key for each upload: a concurrent reader of the old key still gets all of its bytes.
		const key = `artifacts/${this.#options.object}/${crypto.randomUUID()}`;
		// A leftover until an artifact refers to it, which never happens if the object is lost meanwhile.
		this.#entries.write('leftover', key, '');
		let replacedKey: string | undefined;
		try {
			await bucket.put(key, bytes, { httpMetadata: { contentType: type } });
			replacedKey = this.#entries.atomically(() => {
				// Looked up after the upload: a concurrent `put` may have replaced the artifact meanwhile.
				const found = this.#markReplaced(name);
				this.#write(name, { type, size: bytes.byteLength, key });
				this.#entries.remove('artifact', name + BYTES);
				this.#entries.remove('leftover', key);
				return found;
			});
		} catch (error) {
			// A failed deletion is retried when the session ends: the key is still marked as a leftover.
			await this.#deleteFromBucket(key).catch(() => {});
			throw error;
		}
		await this.#deleteFromBucket(replacedKey);
	}

	async get(name: string): Promise<Artifact | undefined> {
		const stored = this.#find(name);
		if (!stored) return undefined;
		const { type, key } = stored;
		if (key === undefined) {
			const bytes = this.#entries.find('artifact', name + BYTES)?.value;
			return bytes instanceof ArrayBuffer ? { name, type, bytes } : undefined;
		}
		const body = await this.#options.bucket?.get(key);
		// The artifact was replaced or deleted while the bucket was read.
		if (!body && this.#find(name)?.key !== key) return this.get(name);
		if (!body) {
			throw new SessionStateError(
				`the artifact "${name}" is not in the bucket: it was removed there, or settings.bucket is a ` +
					'different bucket. Put the artifact again, or delete it',
			);
		}
		return { name, type, bytes: await body.arrayBuffer() };
	}

	async delete(name: string): Promise<void> {
		this.#entries.checkOpen();
		const key = this.#markReplaced(name);
		this.#entries.remove('artifact', name);
		this.#entries.remove('artifact', name + BYTES);
		await this.#deleteFromBucket(key);
	}

	list(): ArtifactInfo[] {
		return this.#entries
			.list('artifact')
			.map(({ key: name, value }) => ({ name, ...parse(value) }))
			.map(({ name, type, size }) => ({ name, type, size }));
	}

	/**
	 * Deletes this object's keys from the bucket, before the entries that list them are deleted.
	 *
	 * @param which `leftovers` keeps the artifacts, which an archive refers to.
	 */
	async clear(which: 'all' | 'leftovers'): Promise<void> {
		const leftovers = this.#entries.list('leftover').map(({ key }) => key);
		const artifacts = which === 'all' ? this.#entries.list('artifact') : [];
		const keys = [...leftovers, ...artifacts.flatMap(({ value }) => parse(value).key ?? [])];
		const { bucket, object, report } = this.#options;
		if (keys.length > 0 && !bucket) report(new SessionStateError(orphaned(keys.length, object)));
		for (let start = 0; start < keys.length; start += MAX_DELETED_KEYS) {
			await bucket?.delete(keys.slice(start, start + MAX_DELETED_KEYS));
		}
		for (const key of leftovers) this.#entries.remove('leftover', key);
	}

	/** Marks the bucket key of the artifact that is about to be replaced or deleted, and returns it. */
	#markReplaced(name: string): string | undefined {
		const key = this.#find(name)?.key;
		if (key !== undefined) this.#entries.write('leftover', key, '');
		return key;
	}

	async #deleteFromBucket(key: string | undefined): Promise<void> {
		if (key === undefined) return;
		await this.#options.bucket?.delete(key);
		this.#entries.remove('leftover', key);
	}

	#find(name: string): StoredArtifact | undefined {
		const text = this.#entries.read('artifact', name);
		return text === undefined ? undefined : parse(text);
	}

	#write(name: string, artifact: StoredArtifact): void {
		this.#entries.write('artifact', name, JSON.stringify(artifact));
	}
}

function orphaned(count: number, object: string): string {
	return (
		`${count} artifact${count === 1 ? '' : 's'} of an ended session cannot be deleted from the bucket: ` +
		'settings.bucket is missing. Set it for as long as such sessions exist, and delete the keys ' +
		`that begin with artifacts/${object}/`
	);
}

function parse(text: string): StoredArtifact {
	// Safe because only `put` writes these entries.
	return JSON.parse(text) as StoredArtifact;
}

/** Copies the content: the caller may change its buffer while the bytes are being stored. */
function copyBytes(content: ArrayBuffer | string | Uint8Array): ArrayBuffer {
	const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
	return Uint8Array.from(new Uint8Array(bytes)).buffer;
}
