/** A Redis as a session store uses it. Failures are errors of `core`. */
export interface SessionDatabase {
	/**
	 * Reads a text from the primary; null if there is none.
	 *
	 * @param encodedId the session of the key, which no error may contain.
	 * @throws {CorruptRecordError} if the key holds another type.
	 */
	read(operation: string, key: string, encodedId: string): Promise<unknown>;
	/**
	 * Runs a script.
	 *
	 * @throws {CorruptRecordError} if a key holds another type.
	 */
	run(
		operation: string,
		script: string,
		keys: readonly string[],
		args: readonly string[],
		encodedId?: string,
	): Promise<unknown>;
}
