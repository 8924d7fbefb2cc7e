import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';

/** Something large that a session made: kept by name. */
export interface Artifact {
	readonly name: string;
	readonly type: string;
	readonly bytes: ArrayBuffer;
}

/** What is known of an artifact without its bytes. */
export interface ArtifactInfo {
	readonly name: string;
	readonly type: string;
	/** In bytes. */
	readonly size: number;
}

/** The artifacts of a session: small ones in the object, larger ones in a bucket. */
export interface SessionArtifacts {
	/**
	 * @param type a media type. Default: `application/octet-stream`.
	 * @throws {SessionStateError} where it is too large for the object and there is no bucket.
	 */
	put(name: string, content: ArrayBuffer | string | Uint8Array, type?: string): Promise<void>;
	get(name: string): Promise<Artifact | undefined>;
	delete(name: string): Promise<void>;
	list(): ArtifactInfo[];
}

interface KeptArtifact {
	readonly type: string;
	readonly size: number;
	/** Where its bytes are in the bucket; in the object, where it is not there. */
	readonly key?: string | undefined;
}

const MAX_NAME_LENGTH = 256;
/** What is larger goes to the bucket by default: a row holds 2 MB, and storage of objects costs more. */
export const DEFAULT_ARTIFACT_BYTES: number = 64 * 1_024;
const MAX_ROW_BYTES = 1_900_000;
/** Beside the entry that says what it is. */
const BYTES = '\u0000bytes';

/** What artifacts depend on. */
export interface ArtifactOptions {
	readonly bucket: R2Bucket | undefined;
	/** The id of the object: its artifacts stand together in the bucket. */
	readonly object: string;
	/** What is larger goes to the bucket. */
	readonly maxBytes: number;
	readonly report: (error: unknown) => void;
}

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
				`an artifact has a name of 1 to ${MAX_NAME_LENGTH} characters; found ${name.length}`,
			);
		}
		this.#entries.checkOpen();
		const bytes = bytesOf(content);
		const { bucket, maxBytes } = this.#options;
		if (bytes.byteLength > Math.min(maxBytes, MAX_ROW_BYTES)) {
			if (bucket) return this.#putLarge(bucket, { name, type, bytes });
			throw new SessionStateError(
				`the artifact "${name}" has ${bytes.byteLength} bytes, where the object keeps at most ` +
					`${Math.min(maxBytes, MAX_ROW_BYTES)}; bind an R2 bucket and set settings.bucket to keep larger ones`,
			);
		}
		const before = this.#entries.atomically(() => {
			const found = this.#replaced(name);
			this.#write(name, { type, size: bytes.byteLength });
			this.#entries.write('artifact', name + BYTES, bytes);
			return found;
		});
		await this.#discard(before);
	}

	async #putLarge(bucket: R2Bucket, { name, type, bytes }: Artifact): Promise<void> {
		// A new key each time: who reads the old one meanwhile gets all of it.
		const key = `artifacts/${this.#options.object}/${crypto.randomUUID()}`;
		// Until it is an artifact, which it never is where the object is lost meanwhile.
		this.#entries.write('leftover', key, '');
		let before: string | undefined;
		try {
			await bucket.put(key, bytes, { httpMetadata: { contentType: type } });
			before = this.#entries.atomically(() => {
				// Now, and not before: another one may have been put meanwhile.
				const found = this.#replaced(name);
				this.#write(name, { type, size: bytes.byteLength, key });
				this.#entries.remove('artifact', name + BYTES);
				this.#entries.remove('leftover', key);
				return found;
			});
		} catch (error) {
			await this.#discard(key).catch(() => {}); // It is noted, and what failed is thrown.
			throw error;
		}
		await this.#discard(before);
	}

	async get(name: string): Promise<Artifact | undefined> {
		const kept = this.#find(name);
		if (!kept) return undefined;
		const { type, key } = kept;
		if (key === undefined) {
			const bytes = this.#entries.find('artifact', name + BYTES)?.value;
			return bytes instanceof ArrayBuffer ? { name, type, bytes } : undefined;
		}
		const found = await this.#options.bucket?.get(key);
		// Another one was put meanwhile, or this one deleted.
		if (!found && this.#find(name)?.key !== key) return this.get(name);
		if (!found) {
			throw new SessionStateError(
				`the artifact "${name}" is not in the bucket: it was removed there, or settings.bucket is ` +
					'another one. Put it again, or delete it',
			);
		}
		return { name, type, bytes: await found.arrayBuffer() };
	}

	async delete(name: string): Promise<void> {
		this.#entries.checkOpen();
		const key = this.#replaced(name);
		this.#entries.remove('artifact', name);
		this.#entries.remove('artifact', name + BYTES);
		await this.#discard(key);
	}

	list(): ArtifactInfo[] {
		return this.#entries
			.list('artifact')
			.map(({ key: name, value }) => ({ name, ...parse(value) }))
			.map(({ name, type, size }) => ({ name, type, size }));
	}

	/**
	 * Removes what is in the bucket: the object that knows of it ends.
	 *
	 * @param which what is of no artifact alone, where an archive knows of the others.
	 */
	async clear(which: 'all' | 'leftovers'): Promise<void> {
		const leftovers = this.#entries.list('leftover').map(({ key }) => key);
		const artifacts = which === 'all' ? this.#entries.list('artifact') : [];
		const keys = [...leftovers, ...artifacts.flatMap(({ value }) => parse(value).key ?? [])];
		const { bucket, object, report } = this.#options;
		if (keys.length > 0 && !bucket) report(new SessionStateError(orphaned(keys.length, object)));
		// The bucket takes a thousand at a time.
		for (let start = 0; start < keys.length; start += 1_000) {
			await bucket?.delete(keys.slice(start, start + 1_000));
		}
		for (const key of leftovers) this.#entries.remove('leftover', key);
	}

	/** Where in the bucket an artifact is that goes now: that is noted, since its removal may fail. */
	#replaced(name: string): string | undefined {
		const key = this.#find(name)?.key;
		if (key !== undefined) this.#entries.write('leftover', key, '');
		return key;
	}

	async #discard(key: string | undefined): Promise<void> {
		if (key === undefined) return;
		await this.#options.bucket?.delete(key);
		this.#entries.remove('leftover', key);
	}

	#find(name: string): KeptArtifact | undefined {
		const text = this.#entries.read('artifact', name);
		return text === undefined ? undefined : parse(text);
	}

	#write(name: string, kept: KeptArtifact): void {
		this.#entries.write('artifact', name, JSON.stringify(kept));
	}
}

function orphaned(count: number, object: string): string {
	return (
		`a session that has ended kept artifacts in a bucket, and ${count} of them ${count === 1 ? 'stays' : 'stay'} there: ` +
		'settings.bucket is missing. Set it for as long as there are such sessions, and remove what ' +
		`begins with artifacts/${object}/`
	);
}

function parse(text: string): KeptArtifact {
	// Sound: nothing but `put` writes it.
	return JSON.parse(text) as KeptArtifact;
}

/** A copy: whoever gave it may change it while it is stored. */
function bytesOf(content: ArrayBuffer | string | Uint8Array): ArrayBuffer {
	const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
	return Uint8Array.from(new Uint8Array(bytes)).buffer;
}
