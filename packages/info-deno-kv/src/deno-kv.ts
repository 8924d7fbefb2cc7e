/** A key of Deno KV, as this package uses it. */
export type DenoKvKey = readonly string[];

/** An entry, or its absence: then value and version are null. */
export interface DenoKvEntry {
	readonly key: readonly unknown[];
	readonly value: unknown;
	readonly versionstamp: string | null;
}

/** A transaction. It is not committed if a checked entry has another version meanwhile. */
export interface DenoKvAtomic {
	check(entry: { readonly key: DenoKvKey; readonly versionstamp: string | null }): unknown;
	set(key: DenoKvKey, value: unknown, options: { readonly expireIn: number }): unknown;
	delete(key: DenoKvKey): unknown;
	commit(): Promise<{ readonly ok: boolean }>;
}

/** The used part of `Deno.Kv`, which `@deno/kv` implements elsewhere. */
export interface DenoKv {
	get(key: DenoKvKey): Promise<DenoKvEntry>;
	list(
		selector: { readonly prefix: DenoKvKey },
		options?: { readonly limit?: number; readonly cursor?: string },
	): AsyncIterable<DenoKvEntry> & { readonly cursor: string };
	atomic(): DenoKvAtomic;
}

/** Opens a database. */
export type OpenDenoKv = () => Promise<DenoKv>;
