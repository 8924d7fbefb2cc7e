import { readFileSync } from 'node:fs';

/** What a process has open besides its connections, generously. */
const OTHERS = 600;

/** How many connections a process that this one starts may serve: workerd opens each of them twice. */
export function mostConnections(): number {
	const [, files] = /^Max open files\s+(\d+)/m.exec(limits()) ?? [];
	return files === undefined ? Infinity : Math.max(0, Math.floor((Number(files) - OTHERS) / 2));
}

/** None that are known where there is no `/proc`. */
function limits(): string {
	try {
		return readFileSync('/proc/self/limits', 'utf8');
	} catch {
		return '';
	}
}
