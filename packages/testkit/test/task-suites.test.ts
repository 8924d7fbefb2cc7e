import { InMemoryTaskStore, InProcessEngine, TaskRun } from '@tmcp-sessions/tasks/backend';
import type { TaskEngine, TaskStore } from '@tmcp-sessions/tasks/backend';
import { describe, expect, it } from 'vitest';
import type { ManualClock } from '../src/manual-clock.ts';
import { runTaskEngineCase, taskEngineCases } from '../src/tasks/task-engine-suite.ts';
import type { TaskEngineFactory } from '../src/tasks/task-engine-suite.ts';
import { runTaskStoreCase, taskStoreCases } from '../src/tasks/task-store-suite.ts';
import type { TaskStoreFactory } from '../src/tasks/task-store-suite.ts';
import { wrongTaskEngines } from './wrong-task-engines.ts';
import { wrongTaskStores } from './wrong-task-stores.ts';

const STORE = new InMemoryTaskStore().capabilities;
const ENGINE = { maxRunSeconds: null, survivesDeploy: false, steps: false };
const A_MOMENT_MS = 500;

/** Runs all cases of a store. Returns the names of those that fail. */
async function storeFailures(factory: TaskStoreFactory): Promise<string[]> {
	const failed: string[] = [];
	for (const each of taskStoreCases) {
		await runTaskStoreCase(each, factory, STORE).catch(() => failed.push(each.name));
	}
	return failed;
}

/** Runs all cases of an engine. Returns the names of those that fail or do not end. */
async function engineFailures(factory: TaskEngineFactory): Promise<string[]> {
	const failed: string[] = [];
	for (const each of taskEngineCases) {
		const { promise, reject } = Promise.withResolvers<never>();
		const timer = setTimeout(() => reject(new Error('too slow')), A_MOMENT_MS);
		const running = runTaskEngineCase(each, factory, ENGINE);
		await Promise.race([running, promise]).catch(() => failed.push(each.name));
		clearTimeout(timer);
	}
	return failed;
}

function memory(
	wrong: (right: TaskStore, clock: ManualClock) => Partial<TaskStore> = () => ({}),
): TaskStoreFactory {
	return (clock) => {
		const store = inheriting(new InMemoryTaskStore({ now: clock.now }), (right) =>
			wrong(right, clock),
		);
		return { store, elsewhere: store };
	};
}

function inProcess(
	wrong: (right: TaskEngine) => Partial<TaskEngine> = () => ({}),
): TaskEngineFactory {
	return (host) => {
		const store = new InMemoryTaskStore();
		const createCustom = (): undefined => undefined;
		const right = new InProcessEngine(
			store,
			(deps) => new TaskRun({ ...deps, host, createCustom }),
		);
		return { store, engine: inheriting<TaskEngine>(right, wrong) };
	};
}

/** Returns an object with the methods of another one, some of them replaced. */
function inheriting<Target extends object>(
	right: Target,
	wrong: (right: Target) => Partial<Target>,
): Target {
	const replaced = wrong(right);
	return new Proxy(right, {
		get(target, key) {
			const member: unknown = Reflect.get(key in replaced ? replaced : target, key);
			return typeof member === 'function' && !(key in replaced) ? member.bind(target) : member;
		},
	});
}

describe('the suite of task stores', () => {
	it('passes a correct store', async () => {
		expect(await storeFailures(memory())).toEqual([]);
	});

	it.each(wrongTaskStores)(
		'detects a store that $name',
		async ({ fails, methods }) => {
			expect(await storeFailures(memory(methods))).toEqual(fails);
		},
		60_000,
	);
});

describe('the suite of task engines', () => {
	it('passes a correct engine', async () => {
		expect(await engineFailures(inProcess())).toEqual([]);
	});

	it.each(wrongTaskEngines)(
		'detects an engine that $name',
		async ({ fails, methods }) => {
			expect(await engineFailures(inProcess(methods))).toEqual(fails);
		},
		60_000,
	);
});
