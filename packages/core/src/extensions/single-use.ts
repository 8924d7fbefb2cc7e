/** What makes a value good for one use only, across all isolates. */
export interface SingleUse {
	/**
	 * Claims an id for its one use, atomically.
	 *
	 * @param id of whatever is used: 1 to 128 characters of `A-Z a-z 0-9 - _ .`.
	 * @param untilMs how long the claim must be remembered, milliseconds since the epoch.
	 * @returns true for the first claim of this id, false for every other.
	 * @throws {StoreError} where the backend cannot be reached.
	 */
	claim(id: string, untilMs: number): Promise<boolean>;
}
