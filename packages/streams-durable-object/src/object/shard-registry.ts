/** Lists the shards that may have streams or subscriptions. Stored at the root. */
export class ShardRegistry {
	readonly #sql: SqlStorage;
	/** Read once after each wake-up. */
	#labels: string[] | undefined;

	constructor(sql: SqlStorage) {
		this.#sql = sql;
	}

	labels(): string[] {
		this.#labels ??= this.#sql
			.exec<{ label: string }>('SELECT label FROM tmcp_shards')
			.toArray()
			.map(({ label }) => label);
		return this.#labels;
	}

	/** Adds a shard. The token replaces that of an earlier registration. */
	add(label: string, token: string): void {
		this.#labels = undefined;
		this.#sql.exec('INSERT OR REPLACE INTO tmcp_shards VALUES (?, ?)', label, token);
	}

	/**
	 * Removes a shard, unless it has registered again under another token: the two RPCs may arrive in
	 * either order.
	 */
	remove(label: string, token: string): void {
		this.#labels = undefined;
		this.#sql.exec('DELETE FROM tmcp_shards WHERE label = ? AND token = ?', label, token);
	}
}
