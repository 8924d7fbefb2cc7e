import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';

const MOUNT = '/dev/shm';
/** More than all tests together store: some 100 MiB. Docker's default of 64 MiB is too small. */
const MIN_FREE_BYTES = 2 ** 30;

/** A temporary directory in memory. */
export interface MemoryDirectory {
	readonly path: string;
	remove(): void;
}

/** Creates a directory in memory. Returns `undefined` if the system has no memory file system that fits. */
export function createMemoryDirectory(): MemoryDirectory | undefined {
	if (!fits()) return undefined;
	const path = mkdtempSync(`${MOUNT}/tmcp-sessions-`);
	return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function fits(): boolean {
	try {
		// Only Linux has both. Containers may mount it without the permission to execute files.
		const mount = readFileSync('/proc/mounts', 'utf8')
			.split('\n')
			.map((line) => line.split(' '))
			.findLast(([, target]) => target === MOUNT);
		const { bavail, bsize } = statfsSync(MOUNT);
		return (
			mount?.[2] === 'tmpfs' && !mount[3]?.includes('noexec') && bavail * bsize > MIN_FREE_BYTES
		);
	} catch {
		return false;
	}
}
