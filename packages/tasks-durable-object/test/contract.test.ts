import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import {
	DurableObjectTaskEngine,
	DurableObjectTasks,
	DurableObjectTaskStore,
} from '@tmcp-sessions/tasks-durable-object';
import type { TaskObject } from '@tmcp-sessions/tasks-durable-object';
import type { TaskRecord } from '@tmcp-sessions/tasks/backend';
import { testTaskEngine, testTaskStore } from '@tmcp-sessions/testkit/tasks';
import { describe, expect, it } from 'vitest';

import { time } from './fixture/contract-worker.ts';

let handlers = 0;

testTaskStore(
	'DurableObjectTaskStore',
	({ now }) => {
		time.now = now;
		return { store: new DurableObjectTaskStore(), elsewhere: new DurableObjectTaskStore() };
	},
	{ consistency: 'strong', maxResultBytes: 1_850_000 },
);

testTaskEngine(
	'DurableObjectTaskEngine',
	(host, tools) => {
		time.now = Date.now;
		const name = `engine ${++handlers}`;
		new DurableObjectTasks({ name, tools }).connect(host);
		const store = new DurableObjectTaskStore();
		return { store, engine: new DurableObjectTaskEngine(store, name) };
	},
	{ maxRunSeconds: 840, survivesDeploy: true, steps: true },
);

describe('an expired task', () => {
	it('leaves no storage in its object, nor in the list of its principal', async () => {
		const store = new DurableObjectTaskStore();
		const nowMs = Date.now();
		time.now = () => nowMs;
		const name = store.newName();
		const record: TaskRecord = {
			name,
			revision: 0,
			principal: 'ada',
			tool: 'report',
			status: 'working',
			attempts: 0,
			createdAtMs: nowMs,
			updatedAtMs: nowMs,
			expiresAtMs: nowMs + 60_000,
			pollIntervalMs: 1_000,
			inputs: [],
		};
		await store.create(record, { session: {} });
		// Safe because the fixture binds this namespace.
		const { TMCP_TASK_OBJECT: all } = env as unknown as {
			TMCP_TASK_OBJECT: DurableObjectNamespace<TaskObject>;
		};
		const object = all.get(all.idFromString(name));
		const tables = (): Promise<number> =>
			runInDurableObject(object, (_, { storage }) =>
				Promise.resolve(
					storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'tmcp%'").toArray()
						.length,
				),
			);
		expect(await tables()).toBe(1);
		time.now = () => nowMs + 60_000;
		expect(await runDurableObjectAlarm(object)).toBe(true);
		expect(await tables()).toBe(0);
		expect(await runInDurableObject(object, (_, { storage }) => storage.getAlarm())).toBeNull();
		expect(await store.list('ada')).toEqual([]);
	});

	it('writes nothing if it never existed', async () => {
		const store = new DurableObjectTaskStore();
		const name = store.newName();
		expect(await store.read(name)).toBeUndefined();
		const { TMCP_TASK_OBJECT: all } = env as unknown as {
			TMCP_TASK_OBJECT: DurableObjectNamespace<TaskObject>;
		};
		const sizes = await runInDurableObject(all.get(all.idFromString(name)), (_, { storage }) =>
			Promise.resolve(storage.sql.exec('SELECT name FROM sqlite_master').toArray().length),
		);
		expect(sizes).toBe(0);
	});
});
