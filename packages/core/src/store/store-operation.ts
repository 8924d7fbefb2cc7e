import { StoreError, TmcpSessionsError } from '../errors.ts';
import { observeStorage } from '../telemetry/observe-storage.ts';

/**
 * Runs an operation of a backend and wraps what it throws in a `StoreError`. Errors of this family,
 * such as a rejected id, pass unchanged. Publishes a `StorageEvent`.
 *
 * @param packageName the folder name of the package that runs it.
 * @param operation what it does, for the message: "reading a session".
 */
export async function storeOperation<Result>(
	packageName: string,
	operation: string,
	run: () => Promise<Result>,
): Promise<Result> {
	try {
		return await observeStorage(packageName, operation, run);
	} catch (cause) {
		if (cause instanceof TmcpSessionsError) throw cause;
		throw new StoreError(packageName, operation, cause);
	}
}
