import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';

type Name = 'a' | 'b';

/** Two isolates over the same Workflow. */
export class Deployment {
	/** The log lines of the Workers. */
	readonly logged: string[];
	readonly workers: Workers<Name>;

	private constructor(workers: Workers<Name>, logged: string[]) {
		this.workers = workers;
		this.logged = logged;
	}

	static async start(): Promise<Deployment> {
		const logged: string[] = [];
		const workers = await startWorkers({
			entry: join(import.meta.dirname, '../fixture/worker.ts'),
			workers: ['a', 'b'],
			kvNamespaces: [],
			durableObjects: { TMCP_TASK_OBJECT: 'TaskObject', EFFECTS: 'Effects' },
			workflows: { TMCP_TASK_WORKFLOW: 'TaskWorkflow' },
			onLog: (line) => void logged.push(line),
		});
		return new Deployment(workers, logged);
	}

	/** A client of one isolate, also after a restart. */
	client(name: Name, user = 'ada'): TaskClient {
		return new TaskClient(() => this.workers.url(name), undefined, { 'x-user': user });
	}

	/** Does something with the instance of a task. */
	async control(action: string, taskId = ''): Promise<Record<string, unknown>> {
		const url = new URL('/control', this.workers.url('b'));
		url.searchParams.set('do', action);
		url.searchParams.set('task', taskId.split('.')[1] ?? '');
		const response = await fetch(url);
		return response.json<Record<string, unknown>>();
	}

	/** Returns all effects, in order. */
	async allEffects(): Promise<string[]> {
		const response = await fetch(new URL('/effects', this.workers.url('a')));
		return response.json<string[]>();
	}

	/** Returns how often an effect has happened. */
	async count(effect: string): Promise<number> {
		return (await this.allEffects()).filter((name) => name === effect).length;
	}
}
