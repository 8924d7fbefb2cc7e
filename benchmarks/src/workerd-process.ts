import { readdirSync, readFileSync } from 'node:fs';
import type { Contender } from './contenders.ts';
import { startContenders } from './runtime.ts';
import type { ContenderOptions, RunningContenders } from './runtime.ts';

/** The process of a workerd, on Linux. */
export class WorkerdProcess {
	readonly #folder: string;

	constructor(id: number) {
		this.#folder = `/proc/${id}`;
	}

	/** Returns the CPU time of all threads that run, user and system, in milliseconds. */
	cpuMs(): number {
		const nanoseconds = readdirSync(`${this.#folder}/task`).map((thread) => {
			const [running = ''] = this.#read(`task/${thread}/schedstat`).split(' ');
			return Number(running);
		});
		return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
	}

	/** Returns the resident set size. */
	residentBytes(): number {
		const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(this.#read('status')) ?? [];
		if (kib === undefined)
			throw new Error(`${this.#folder}/status must contain VmRSS; it does not`);
		return Number(kib) * 1024;
	}

	#read(file: string): string {
		return readFileSync(`${this.#folder}/${file}`, 'utf8');
	}
}

/** Starts contenders in a workerd whose process is measured. */
export async function startMeasured<const Name extends Contender>(
	names: readonly Name[],
	options: ContenderOptions = {},
): Promise<RunningContenders<Name> & { readonly process: WorkerdProcess }> {
	const others = workerdProcesses();
	const running = await startContenders(names, options);
	const [id = 0] = workerdProcesses().filter((each) => !others.includes(each));
	return Object.assign(running, { process: new WorkerdProcess(id) });
}

/** Returns the ids of the workerd processes that this process started. */
function workerdProcesses(): number[] {
	return readdirSync('/proc')
		.map(Number)
		.filter((id) => {
			try {
				const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
				const [, name, parent] = /\((.*)\) \S (\d+)/.exec(stat) ?? [];
				return name === 'workerd' && Number(parent) === process.pid;
			} catch {
				return false; // It is no process, or it has ended.
			}
		});
}
