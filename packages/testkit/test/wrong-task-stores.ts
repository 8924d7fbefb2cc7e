import type { TaskRecord, TaskStore } from '@tmcp-sessions/tasks/backend';
import type { ManualClock } from '../src/manual-clock.ts';

/** A task store with one fault, and the cases that must fail. */
export interface WrongTaskStore {
	readonly name: string;
	methods(right: TaskStore, clock: ManualClock): Partial<TaskStore>;
	readonly fails: readonly string[];
}

const declares = 'declares the expected capabilities, and is not eventually consistent';
const names = 'returns names that differ and fit into an id';
const revision = 'changes nothing if the revision differs';
const concurrent =
	'accepts exactly one of 20 concurrent changes of one revision, from two isolates';
const named = 'changes the named fields, the revision and the time, and nothing else';
const ended = 'changes no task that has ended, and adds no steps to it';
const expires = 'expires a task to the millisecond, in every method';
const steps = 'keeps the first step of each name, in the order in which they started';
const deletes = 'deletes a task, its steps and its place among the tasks of its principal';
const lists = 'lists the tasks of one principal, and which have ended';
const ofSession = 'lists the tasks of one session, of a principal and without one';
const limitsOfSession = 'expires the tasks of a session, and counts them for its limits';
const limits = 'rejects a task beyond the limits, and stores nothing of it';
const observer =
	'tells an observer the current state and each change of either isolate, in order and once';
const stopped = 'tells an observer nothing after it has stopped';

/** Task stores with a fault. */
export const wrongTaskStores: readonly WrongTaskStore[] = [
	{
		name: 'declares eventual consistency',
		methods: (right) => ({
			capabilities: { ...right.capabilities, consistency: 'eventual' },
		}),
		fails: [declares],
	},
	{
		name: 'returns short names',
		methods: () => {
			let last = 0;
			return { newName: () => `task-${++last}` };
		},
		fails: [names],
	},
	{
		name: 'ignores the revision',
		methods: (right) => ({
			async update(name, _revision, patch) {
				const record = await right.read(name);
				return record && right.update(name, record.revision, patch);
			},
		}),
		fails: [revision],
	},
	{
		name: 'checks the revision and writes in two steps',
		methods: (right) => ({
			async update(name, expected, patch) {
				if ((await right.read(name))?.revision !== expected) return undefined;
				await new Promise((resolve) => setTimeout(resolve, 0));
				const record = await right.read(name);
				return record && right.update(name, record.revision, patch);
			},
		}),
		fails: [concurrent],
	},
	{
		name: 'forgets when it was changed',
		methods: (right) => ({
			async update(name, expected, patch) {
				const record = await right.update(name, expected, patch);
				return record && { ...record, updatedAtMs: record.createdAtMs };
			},
		}),
		fails: [named],
	},
	{
		name: 'adds steps to a task that has ended',
		methods: (right) => ({
			async addStep(name, step) {
				await right.addStep(name, step);
				return (await right.read(name)) !== undefined;
			},
		}),
		fails: [ended],
	},
	{
		name: 'keeps tasks for a millisecond longer',
		methods: (right, clock) => {
			let last: TaskRecord | undefined;
			return {
				async read(name) {
					const record = await right.read(name);
					if (record) last = record;
					return (
						record ?? (last?.name === name && last.expiresAtMs === clock.now() ? last : undefined)
					);
				},
			};
		},
		fails: [expires],
	},
	{
		name: 'returns steps in the wrong order',
		methods: (right) => ({
			async readSteps(name) {
				return (await right.readSteps(name)).toReversed();
			},
		}),
		fails: [steps],
	},
	{
		name: 'does not delete',
		methods: () => ({ delete: async () => {} }),
		fails: [deletes, ofSession],
	},
	{
		name: 'lists every task as running',
		methods: (right) => ({
			async list(principal, session) {
				const tasks = await right.list(principal, session);
				return tasks.map((task) => ({ ...task, hasEnded: false }));
			},
		}),
		fails: [lists],
	},
	{
		name: 'lists the tasks of all sessions',
		methods: (right) => ({ list: (principal) => right.list(principal) }),
		fails: [ofSession],
	},
	{
		name: 'has no limits',
		methods: (right) => ({ create: (record, call) => right.create(record, call) }),
		fails: [limitsOfSession, limits],
	},
	{
		name: 'tells an observer each change twice',
		methods: (right) => ({
			watch: (name, listener) =>
				right.watch(name, (record) => {
					listener(record);
					listener(record);
				}),
		}),
		fails: [observer, stopped],
	},
	{
		name: 'does not tell an observer the current state',
		methods: (right) => ({
			watch(name, listener) {
				let isFirst = true;
				return right.watch(name, (record) => {
					if (!isFirst) listener(record);
					isFirst = false;
				});
			},
		}),
		fails: [observer, stopped],
	},
	{
		name: 'never stops to tell an observer',
		methods: (right) => ({
			async watch(name, listener) {
				return (await right.watch(name, listener)) && (() => {});
			},
		}),
		fails: [stopped],
	},
];
