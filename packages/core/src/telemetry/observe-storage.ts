import { channels } from './channels.ts';

/**
 * Runs an operation of a backend, and publishes a `StorageEvent` afterwards.
 *
 * @param packageName the folder name of the package that runs it.
 * @param operation what it does: "reading a session".
 */
export function observeStorage<Result>(
	packageName: string,
	operation: string,
	run: () => Promise<Result>,
): Promise<Result> {
	// Hot path: without a subscriber, no microtask is added.
	return channels.storage.hasSubscribers ? observe(packageName, operation, run) : run();
}

async function observe<Result>(
	packageName: string,
	operation: string,
	run: () => Promise<Result>,
): Promise<Result> {
	const startMs = performance.now();
	let hasFailed = true;
	try {
		const result = await run();
		hasFailed = false;
		return result;
	} finally {
		const durationMs = performance.now() - startMs;
		channels.storage.publish({ packageName, operation, durationMs, hasFailed });
	}
}
