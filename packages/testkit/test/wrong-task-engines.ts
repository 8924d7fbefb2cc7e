import type { TaskEngine } from '@tmcp-sessions/tasks/backend';

/** A task engine with one fault, and the cases that must fail. */
export interface WrongTaskEngine {
	readonly name: string;
	methods(right: TaskEngine): Partial<TaskEngine>;
	readonly fails: readonly string[];
}

const declares = 'declares the expected capabilities';
const once = 'runs a call once, and stores its result';
const waits = 'waits for the end of a task if the start asks for it, but no longer';
const limits = 'starts nothing beyond the limits';
const delivers = 'delivers responses by their keys, and ignores unknown and answered ones';
const invalid = 'delivers nothing if one response is invalid';
const cancels = 'cancels a task at once, aborts its call, and drops the result';
const leaves = 'leaves a task that has ended as it is';
const unknown = 'knows no task that was not started';

/** Task engines with a fault. */
export const wrongTaskEngines: readonly WrongTaskEngine[] = [
	{
		name: 'declares that tasks survive a deployment',
		methods: (right) => ({ capabilities: { ...right.capabilities, survivesDeploy: true } }),
		fails: [declares],
	},
	{
		name: 'starts a call twice',
		methods: (right) => ({
			async start(start) {
				const [started] = await Promise.all([right.start(start), right.start(start)]);
				return started;
			},
		}),
		fails: [once, delivers],
	},
	{
		name: 'does not wait for the end of a task',
		methods: (right) => ({ start: (start) => right.start({ ...start, waitMs: 0 }) }),
		fails: [waits],
	},
	{
		name: 'ignores the limits',
		methods: (right) => ({ start: (start) => right.start({ ...start, limits: undefined }) }),
		fails: [limits],
	},
	{
		name: 'drops responses',
		methods: () => ({ deliver: async () => ({ isKnown: true }) }),
		fails: [delivers, invalid, unknown],
	},
	{
		name: 'does not cancel',
		methods: () => ({ cancel: async () => true }),
		fails: [cancels, unknown],
	},
	{
		name: 'knows no task that has ended',
		methods: (right) => {
			const ended = new Set<string>();
			return {
				async cancel(name) {
					return !ended.has(name) && right.cancel(name).finally(() => ended.add(name));
				},
				async deliver(name, responses) {
					return ended.has(name) ? { isKnown: false } : right.deliver(name, responses);
				},
			};
		},
		fails: [cancels, leaves],
	},
];
