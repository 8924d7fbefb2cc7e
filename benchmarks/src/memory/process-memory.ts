import { readdirSync, readFileSync } from 'node:fs';

/** The running workerd processes that this process has started, by their ids. */
export function workerdProcesses(): number[] {
	return readdirSync('/proc')
		.map(Number)
		.filter((id) => {
			const [, name, parent] = /\((.*)\) \S (\d+)/.exec(statOf(id)) ?? [];
			return name === 'workerd' && Number(parent) === process.pid;
		});
}

/** What a process holds in memory, in bytes. @throws where it is gone, or there is no `/proc`. */
export function residentBytes(id: number): number {
	const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8')) ?? [];
	if (kib === undefined) throw new Error(`expected a VmRSS in /proc/${id}/status`);
	return Number(kib) * 1024;
}

/** The CPU time that a process has taken, in microseconds. @throws where there is no `/proc`. */
export function cpuMicroseconds(id: number): number {
	return readdirSync(`/proc/${id}/task`).reduce((sum, thread) => {
		const [nanoseconds] = readFileSync(`/proc/${id}/task/${thread}/schedstat`, 'utf8').split(' ');
		return sum + Number(nanoseconds) / 1000;
	}, 0);
}

function statOf(id: number): string {
	try {
		return Number.isNaN(id) ? '' : readFileSync(`/proc/${id}/stat`, 'utf8');
	} catch {
		return ''; // It has ended meanwhile.
	}
}
