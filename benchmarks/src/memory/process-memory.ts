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

function statOf(id: number): string {
	try {
		return Number.isNaN(id) ? '' : readFileSync(`/proc/${id}/stat`, 'utf8');
	} catch {
		return ''; // It has ended meanwhile.
	}
}
