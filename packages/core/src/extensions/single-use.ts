/** An optional capability of stores: values that can be used once across all isolates. */
export interface SingleUse {
	/**
	 * Claims an id atomically.
	 *
	 * @param id the id of the value: 1 to 128 characters of `A-Z a-z 0-9 - _ .`.
	 * @param untilMs how long to remember the claim, milliseconds since the epoch.
	 * @returns true for the first claim of this id, false for all others.
	 * @throws {StoreError} if the backend cannot be reached.
	 */
	claim(id: string, untilMs: number): Promise<boolean>;
}
