import type { TasksOptions, TaskTool, ToolCall } from './options.ts';
import { configurationError } from './task-error.ts';
import type { TaskLimits } from './task/task-store.ts';

const FALLBACKS: readonly unknown[] = ['poll-tools', 'refuse', 'wait'];
const ON_INTERRUPT: readonly unknown[] = ['fail', 'resume', undefined];
const DAY_SECONDS = 86_400;

/** How calls of a tool become tasks, with the defaults filled in. */
export interface TaskPolicy {
	readonly ttlMs: number;
	readonly pollIntervalMs: number;
	readonly fallback: NonNullable<TaskTool['fallback']>;
	readonly inlineMs: number;
	readonly asksFirst: boolean;
	readonly onInterrupt: TaskTool['onInterrupt'];
	readonly maxAttempts: number;
}

/** Options with the defaults filled in. */
export interface ResolvedTasks extends Pick<
	TasksOptions,
	'context' | 'limitRequests' | 'saveContext'
> {
	readonly limits: TaskLimits;
	/** The names of the configured tools. Empty if they are a function. */
	readonly names: readonly string[];
	/** Whether clients without the extension may get the tools `task_status` and `task_cancel`. */
	readonly hasPollTools: boolean;
	/** Returns the policy of a call; `undefined` if it does not become a task. */
	readonly policyOf: (call: ToolCall) => TaskPolicy | undefined;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws {TmcpSessionsError} `configuration` if a value is invalid.
 */
export function resolveTasks(options: TasksOptions): ResolvedTasks {
	const { context, limitRequests, maxRunning = 20, maxStored = 200, saveContext, tools } = options;
	checkInteger('maxRunning', maxRunning, 1, 10_000);
	checkInteger('maxStored', maxStored, 1, 100_000);
	const shared = { context, limitRequests, saveContext };
	const limits = { running: maxRunning, stored: maxStored };
	if (typeof tools === 'function') {
		const policyOf = (call: ToolCall): TaskPolicy | undefined => {
			const tool = tools(call);
			return tool ? policyFor(call.tool, tool) : undefined;
		};
		return { ...shared, limits, names: [], hasPollTools: true, policyOf };
	}
	const policies = new Map(
		Object.entries(tools).map(([name, tool]) => [name, policyFor(name, tool)]),
	);
	const hasPollTools = [...policies.values()].some(({ fallback }) => fallback === 'poll-tools');
	const names = [...policies.keys()];
	return { ...shared, limits, names, hasPollTools, policyOf: ({ tool }) => policies.get(tool) };
}

function policyFor(name: string, tool: TaskTool): TaskPolicy {
	const { fallback = 'wait', inlineSeconds = 0, maxAttempts = 5, onInterrupt } = tool;
	const { asksFirst = false, pollSeconds = 5, ttlSeconds = 3_600 } = tool;
	const at = (field: string): string => `tools.${name}.${field}`;
	checkInteger(at('ttlSeconds'), ttlSeconds, 1, 30 * DAY_SECONDS);
	checkInteger(at('maxAttempts'), maxAttempts, 1, 100);
	checkRange(at('pollSeconds'), pollSeconds, 0.1, 3_600);
	checkRange(at('inlineSeconds'), inlineSeconds, 0, 20);
	if (!FALLBACKS.includes(fallback)) {
		throw configurationError(
			`${at('fallback')} must be one of ${FALLBACKS.join(', ')}; got ${fallback}`,
		);
	}
	if (!ON_INTERRUPT.includes(onInterrupt)) {
		throw configurationError(
			`${at('onInterrupt')} must be fail or resume; got ${String(onInterrupt)}`,
		);
	}
	return {
		ttlMs: ttlSeconds * 1000,
		pollIntervalMs: Math.round(pollSeconds * 1000),
		fallback,
		inlineMs: inlineSeconds * 1000,
		asksFirst,
		onInterrupt,
		maxAttempts,
	};
}

function checkInteger(name: string, value: number, min: number, max: number): void {
	if (Number.isInteger(value) && value >= min && value <= max) return;
	throw configurationError(`${name} must be an integer from ${min} to ${max}; got ${value}`);
}

function checkRange(name: string, value: number, min: number, max: number): void {
	if (value >= min && value <= max) return;
	throw configurationError(`${name} must be from ${min} to ${max}; got ${value}`);
}
