/** The shards that may have streams or listeners, as the root keeps them. */
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

	/** @param token of this registration: one that is on the list already has this one from now on. */
	add(label: string, token: string): void {
		this.#labels = undefined;
		this.#sql.exec('INSERT OR REPLACE INTO tmcp_shards VALUES (?, ?)', label, token);
	}

	/** Nothing where the shard has registered again: whichever of the two arrives first. */
	remove(label: string, token: string): void {
		this.#labels = undefined;
		this.#sql.exec('DELETE FROM tmcp_shards WHERE label = ? AND token = ?', label, token);
	}
}
