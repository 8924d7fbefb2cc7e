import { StoreError, TmcpSessionsError } from '../errors.ts';

/**
 * Runs an operation of a backend. What it fails with becomes a `StoreError`; an error of this family,
 * such as a refused id, stays what it is.
 *
 * @param packageName the folder name of the package that runs it.
 * @param operation what is done, as "reading a session".
 */
export async function storeOperation<Result>(
	packageName: string,
	operation: string,
	work: () => Promise<Result>,
): Promise<Result> {
	try {
		return await work();
	} catch (cause) {
		if (cause instanceof TmcpSessionsError) throw cause;
		throw new StoreError(packageName, operation, cause);
	}
}
