import type {
	TaskCall,
	TaskRecord,
	TaskStep,
	TaskStore,
	TaskStoreCapabilities,
} from '@tmcp-sessions/tasks/backend';
import { describe, expect, it } from 'vitest';

import { ManualClock } from '../manual-clock.ts';

const CASE_TIMEOUT_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The task store that a case tests, in two isolates. */
export interface TaskStoreUnderTest {
	readonly store: TaskStore;
	/** Over the same storage, without the memory of `store`; `store` itself if it has memory only. */
	readonly elsewhere: TaskStore;
	/** Releases the resources that the factory opened. */
	close?(): Promise<void>;
}

/** Creates the stores for one case. Both must take the time from `clock.now`. */
export type TaskStoreFactory = (
	clock: ManualClock,
) => Promise<TaskStoreUnderTest> | TaskStoreUnderTest;

/** The arguments of a case. */
export interface TaskStoreSubject extends TaskStoreUnderTest {
	readonly clock: ManualClock;
	/** The capabilities that the package documents. */
	readonly expected: TaskStoreCapabilities;
	/** A principal that no other case uses. */
	readonly principal: string;
	/** Returns a new task that expires in an hour; `fields` override it. */
	record(fields?: Partial<TaskRecord>): TaskRecord;
	/** Stores a new task. */
	create(fields?: Partial<TaskRecord>): Promise<TaskRecord>;
}

/** One requirement of every task store. `run` rejects if the store violates it. */
export interface TaskStoreCase {
	readonly name: string;
	run(subject: TaskStoreSubject): Promise<void>;
}

const CALL: TaskCall = { arguments: { rows: [1, 2] }, session: {}, context: { tenant: 'a' } };
const step = (name: string, index: number, value: unknown = name): TaskStep => ({
	name,
	kind: 'step',
	index,
	isConcurrent: false,
	value,
});

/** All cases of `TaskStore`. */
export const taskStoreCases: readonly TaskStoreCase[] = [
	{
		name: 'declares the expected capabilities, and is not eventually consistent',
		async run({ store, expected }) {
			expect(store.capabilities).toEqual(expected);
			expect(store.capabilities.consistency).not.toBe('eventual');
		},
	},
	{
		name: 'returns names that differ and fit into an id',
		async run({ store }) {
			const names = Array.from({ length: 20 }, () => store.newName());
			expect(new Set(names).size).toBe(names.length);
			for (const name of names) expect(name).toMatch(/^[\w-]{16,128}$/);
		},
	},
	{
		name: 'shows a new task and its call to both isolates at once',
		async run({ store, elsewhere, create }) {
			for (let index = 0; index < 5; index++) {
				const record = await create();
				expect(await elsewhere.read(record.name)).toEqual(record);
				expect(await store.read(record.name)).toEqual(record);
				expect(await elsewhere.readCall(record.name)).toEqual(CALL);
			}
		},
	},
	{
		name: 'knows no task that was not created',
		async run({ store }) {
			const name = store.newName();
			expect(await store.read(name)).toBeUndefined();
			expect(await store.readCall(name)).toBeUndefined();
			expect(await store.update(name, 0, { attempts: 1 })).toBeUndefined();
			expect(await store.addStep(name, step('a', 0))).toBe(false);
			expect(await store.readSteps(name)).toEqual([]);
			expect(await store.watch(name, () => {})).toBeUndefined();
			await store.delete(name);
			expect(await store.read(name)).toBeUndefined();
		},
	},
	{
		name: 'changes the named fields, the revision and the time, and nothing else',
		async run({ store, elsewhere, clock, create }) {
			const record = await create();
			clock.advance(1_000);
			const patch = { status: 'working', statusMessage: 'Reading', attempts: 1 } as const;
			const changed = await store.update(record.name, 0, patch);
			const expected = { ...record, ...patch, revision: 1, updatedAtMs: clock.now() };
			expect(changed).toEqual(expected);
			expect(await elsewhere.read(record.name)).toEqual(expected);
		},
	},
	{
		name: 'changes nothing if the revision differs',
		async run({ store, elsewhere, create }) {
			const { name } = await create();
			await store.update(name, 0, { statusMessage: 'one' });
			for (const revision of [0, 2]) {
				expect(await elsewhere.update(name, revision, { statusMessage: 'two' })).toBeUndefined();
			}
			expect(await store.read(name)).toMatchObject({ statusMessage: 'one', revision: 1 });
		},
	},
	{
		name: 'accepts exactly one of 20 concurrent changes of one revision, from two isolates',
		async run({ store, elsewhere, create }) {
			const { name } = await create();
			const changes = Array.from({ length: 20 }, (_, index) =>
				(index % 2 === 0 ? store : elsewhere).update(name, 0, { statusMessage: `${index}` }),
			);
			const accepted = (await Promise.all(changes)).filter((changed) => changed !== undefined);
			expect(accepted).toHaveLength(1);
			expect(await store.read(name)).toEqual(accepted[0]);
		},
	},
	{
		name: 'changes no task that has ended, and adds no steps to it',
		async run({ store, elsewhere, create }) {
			for (const status of ['completed', 'failed', 'cancelled'] as const) {
				const { name } = await create();
				const ended = await store.update(name, 0, { status, result: { content: [] } });
				expect(await elsewhere.update(name, 1, { status: 'working' })).toBeUndefined();
				expect(await elsewhere.addStep(name, step('late', 0))).toBe(false);
				expect(await store.read(name)).toEqual(ended);
			}
		},
	},
	{
		name: 'expires a task to the millisecond, in every method',
		async run({ store, elsewhere, clock, create, principal }) {
			const { name } = await create();
			await store.addStep(name, step('a', 0));
			clock.advance(HOUR_MS - 1);
			expect(await elsewhere.read(name)).toBeDefined();
			expect(await elsewhere.list(principal)).toHaveLength(1);
			clock.advance(1);
			expect(await elsewhere.read(name)).toBeUndefined();
			expect(await store.readCall(name)).toBeUndefined();
			expect(await store.update(name, 0, { attempts: 1 })).toBeUndefined();
			expect(await store.addStep(name, step('b', 1))).toBe(false);
			expect(await store.readSteps(name)).toEqual([]);
			expect(await store.watch(name, () => {})).toBeUndefined();
			expect(await store.list(principal)).toEqual([]);
		},
	},
	{
		name: 'keeps the first step of each name, in the order in which they started',
		async run({ store, elsewhere, create }) {
			const { name } = await create();
			const steps = [step('late', 1, { rows: [null, 'é', 1.5] }), step('early', 0)];
			for (const each of steps) expect(await store.addStep(name, each)).toBe(true);
			await elsewhere.addStep(name, step('early', 0, 'again'));
			expect(await elsewhere.readSteps(name)).toEqual([steps[1], steps[0]]);
		},
	},
	{
		name: 'keeps the steps of tasks apart',
		async run({ store, create }) {
			const [one, two] = [await create(), await create()];
			await store.addStep(one.name, step('a', 0));
			expect(await store.readSteps(two.name)).toEqual([]);
		},
	},
	{
		name: 'stores what it is given, and not what becomes of it',
		async run({ store, create }) {
			const { name } = await create();
			const result: Record<string, unknown> = { content: [] };
			await store.update(name, 0, { status: 'completed', result });
			result['content'] = 'changed';
			expect(await store.read(name)).toMatchObject({ result: { content: [] } });
		},
	},
	{
		name: 'stores a result of maxResultBytes',
		async run({ store, elsewhere, create, expected }) {
			const { name } = await create();
			const text = 'x'.repeat(expected.maxResultBytes - '{"text":""}'.length);
			await store.update(name, 0, { status: 'completed', result: { text } });
			expect((await elsewhere.read(name))?.result).toEqual({ text });
		},
	},
	{
		name: 'deletes a task, its steps and its place among the tasks of its principal',
		async run({ store, elsewhere, create, principal }) {
			const { name } = await create();
			await store.addStep(name, step('a', 0));
			await elsewhere.delete(name);
			expect(await store.read(name)).toBeUndefined();
			expect(await store.readSteps(name)).toEqual([]);
			expect(await store.list(principal)).toEqual([]);
		},
	},
	{
		name: 'lists the tasks of one principal, and which have ended',
		async run({ store, elsewhere, create, principal }) {
			const [one, two] = [await create(), await create()];
			await create({ principal: `${principal} other` });
			await store.update(two.name, 0, { status: 'completed', result: {} });
			const ended = async (): Promise<unknown> =>
				Object.fromEntries(
					(await elsewhere.list(principal)).map(({ name, hasEnded }) => [name, hasEnded]),
				);
			// A store may note the end of a task a moment later.
			await expect.poll(ended).toEqual({ [one.name]: false, [two.name]: true });
		},
	},
	{
		name: 'lists the tasks of one session, of a principal and without one',
		async run({ store, elsewhere, create, principal }) {
			const session = crypto.randomUUID();
			for (const owner of [principal, '']) {
				const { name } = await create({ principal: owner, session });
				const other = await create({ principal: owner, session: `${session} other` });
				const listed = await elsewhere.list(owner, session);
				expect(listed).toMatchObject([{ name, session, hasEnded: false }]);
				await store.delete(name);
				expect(await elsewhere.list(owner, session)).toEqual([]);
				await store.delete(other.name);
			}
			await create();
			expect(await elsewhere.list(principal, session)).toEqual([]);
			expect(await elsewhere.list(principal)).toHaveLength(1);
		},
	},
	{
		name: 'expires the tasks of a session, and counts them for its limits',
		async run({ store, elsewhere, clock, create, record }) {
			const session = crypto.randomUUID();
			const fields = { principal: '', session };
			await create(fields);
			const limits = { running: 1, stored: 5 };
			expect(await elsewhere.create(record(fields), CALL, limits)).toBe('running');
			clock.advance(HOUR_MS);
			expect(await store.list('', session)).toEqual([]);
			expect(await elsewhere.create(record(fields), CALL, limits)).toBeUndefined();
		},
	},
	{
		name: 'shows the session, the progress token and the progress of a task',
		async run({ store, elsewhere, create }) {
			const fields = { session: 'a session', progressToken: 'a token' };
			const { name } = await create(fields);
			const progress = { progress: 1, total: 4 };
			await store.update(name, 0, { progress, statusMessage: '1 of 4' });
			expect(await elsewhere.read(name)).toMatchObject({ ...fields, progress, revision: 1 });
		},
	},
	{
		name: 'rejects a task beyond the limits, and stores nothing of it',
		async run({ store, elsewhere, create, principal, record }) {
			const { name } = await create();
			const add = async (limits: { running: number; stored: number }): Promise<unknown> => {
				const added = record();
				const reached = await elsewhere.create(added, CALL, limits);
				expect((await store.read(added.name)) === undefined).toBe(reached !== undefined);
				return reached;
			};
			expect(await add({ running: 1, stored: 5 })).toBe('running');
			await store.update(name, 0, { status: 'failed', error: { code: 1, message: '' } });
			await expect.poll(() => add({ running: 1, stored: 2 })).toBeUndefined();
			expect(await add({ running: 5, stored: 2 })).toBe('stored');
			expect(await store.list(principal)).toHaveLength(2);
		},
	},
	{
		name: 'tells an observer the current state and each change of either isolate, in order and once',
		async run({ store, elsewhere, create }) {
			const { name } = await create();
			const seen: number[] = [];
			const stop = await elsewhere.watch(name, ({ revision }) => seen.push(revision));
			for (let revision = 0; revision < 10; revision++) {
				const from = revision % 2 === 0 ? store : elsewhere;
				await from.update(name, revision, { statusMessage: `${revision}` });
			}
			await store.update(name, 10, { status: 'completed', result: {} });
			await expect.poll(() => seen.at(-1)).toBe(11);
			expect(seen).toEqual(Array.from({ length: 12 }, (_, revision) => revision));
			stop?.();
		},
	},
	{
		name: 'tells an observer nothing after it has stopped',
		async run({ store, create }) {
			const { name } = await create();
			const seen: number[] = [];
			const others: number[] = [];
			const stop = await store.watch(name, ({ revision }) => seen.push(revision));
			await store.watch(name, ({ revision }) => others.push(revision));
			await expect.poll(() => [seen.length, others.length]).toEqual([1, 1]);
			stop?.();
			await store.update(name, 0, { status: 'completed', result: {} });
			await expect.poll(() => others).toEqual([0, 1]);
			expect(seen).toEqual([0]);
		},
	},
];

/** Runs one case. Rejects with the failed assertion. */
export async function runTaskStoreCase(
	{ run }: TaskStoreCase,
	factory: TaskStoreFactory,
	expected: TaskStoreCapabilities,
): Promise<void> {
	const clock = new ManualClock();
	const principal = `principal ${crypto.randomUUID()}`;
	const underTest = await factory(clock);
	const { store, elsewhere } = underTest;
	const record = (fields?: Partial<TaskRecord>): TaskRecord => ({
		name: store.newName(),
		revision: 0,
		principal,
		tool: 'report',
		status: 'working',
		createdAtMs: clock.now(),
		updatedAtMs: clock.now(),
		expiresAtMs: clock.now() + HOUR_MS,
		pollIntervalMs: 5_000,
		attempts: 0,
		inputs: [],
		...fields,
	});
	const create = async (fields?: Partial<TaskRecord>): Promise<TaskRecord> => {
		const created = record(fields);
		expect(await store.create(created, CALL)).toBeUndefined();
		return created;
	};
	try {
		await run({ store, elsewhere, clock, expected, principal, record, create });
	} finally {
		await underTest.close?.();
	}
}

/**
 * Registers the contract of `TaskStore` as Vitest tests.
 *
 * @param name the name of the store in the test titles.
 * @param expected the capabilities that the README of the package documents.
 */
export function testTaskStore(
	name: string,
	factory: TaskStoreFactory,
	expected: TaskStoreCapabilities,
): void {
	describe(`${name} as a task store`, () => {
		for (const each of taskStoreCases) {
			it(each.name, { timeout: CASE_TIMEOUT_MS }, () => runTaskStoreCase(each, factory, expected));
		}
	});
}
