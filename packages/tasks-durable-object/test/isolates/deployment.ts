import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion, Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';

import { TaskClient } from '@tmcp-sessions/testkit/task-client';

type Name = 'a' | 'b';

/** Two isolates over the same objects. */
export class Deployment {
	/** The log lines of the Workers. */
	readonly logged: string[];
	readonly workers: Workers<Name>;

	private constructor(workers: Workers<Name>, logged: string[]) {
		this.workers = workers;
		this.logged = logged;
	}

	static async start(version: WorkerdVersion = 'current'): Promise<Deployment> {
		const logged: string[] = [];
		const workers = await startWorkers({
			entry: join(import.meta.dirname, '../fixture/worker.ts'),
			workers: ['a', 'b'],
			version,
			kvNamespaces: [],
			r2Buckets: ['RESULTS'],
			durableObjects: { TMCP_TASK_OBJECT: 'TaskObject', EFFECTS: 'Effects' },
			onLog: (line) => void logged.push(line),
		});
		return new Deployment(workers, logged);
	}

	/** A client of one isolate, also after a restart. */
	client(name: Name, user = 'ada'): TaskClient {
		const headers = { 'x-user': user };
		return new TaskClient(() => this.workers.url(name), undefined, headers);
	}

	/** Resets the object of a task. */
	async reset(taskId: string): Promise<void> {
		const url = new URL('/reset', this.workers.url('b'));
		url.searchParams.set('name', taskId.split('.')[1] ?? '');
		await fetch(url);
	}

	/** Returns all effects, in order. */
	async allEffects(): Promise<string[]> {
		const response = await fetch(new URL('/effects', this.workers.url('a')));
		return response.json<string[]>();
	}

	/** Returns the keys of what is in the bucket. */
	async keysInBucket(): Promise<string[]> {
		const response = await fetch(new URL('/keys', this.workers.url('a')));
		return response.json<string[]>();
	}

	/** Returns how often each effect has happened. */
	async effects(): Promise<Record<string, number>> {
		const names = await this.allEffects();
		const counts: Record<string, number> = {};
		for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
		return counts;
	}
}
