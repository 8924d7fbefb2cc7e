import { createMcpHandler } from '@tmcp-sessions/http';
import type { ExtensionHost } from '@tmcp-sessions/http/internal';
import { currentTask } from '@tmcp-sessions/tasks';
import type { TaskTool } from '@tmcp-sessions/tasks';
import {
	connectTasks,
	InMemoryTaskStore,
	InProcessEngine,
	resolveTasks,
	restartProblem,
	retryDelayMs,
	TaskRun,
} from '@tmcp-sessions/tasks/backend';
import type { TaskInput, TaskRecord, TaskStep } from '@tmcp-sessions/tasks/backend';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

const Approval = v.object({ approve: v.boolean() });
const POLICY = { report: {} };

/** Returns what a handler gives its engine, for a server with this tool. */
function hostOf(run: () => Promise<string>, annotations: object = {}): ExtensionHost {
	const server = new McpServer(
		{ name: 'restarts', version: '1.0.0' },
		{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} } },
	);
	server.tool({ name: 'report', description: 'Reports', annotations }, async () =>
		tool.text(await run()),
	);
	const hosts: ExtensionHost[] = [];
	createMcpHandler(server, {
		tasks: {
			connect(host) {
				hosts.push(host);
				const store = new InMemoryTaskStore();
				const engine = new InProcessEngine(store, () => expect.fail('starts nothing'));
				return connectTasks(host, resolveTasks({ tools: POLICY }), { store, engine });
			},
		},
		onError: () => {},
	});
	const [host = expect.fail('the handler connects its tasks')] = hosts;
	return host;
}

/** Starts a call again that an earlier start has left with these steps and inputs. */
async function restart(
	run: () => Promise<string>,
	steps: readonly TaskStep[],
	inputs: readonly TaskInput[] = [],
): Promise<TaskRecord | undefined> {
	const store = new InMemoryTaskStore();
	const nowMs = Date.now();
	const record: TaskRecord = {
		name: store.newName(),
		revision: 0,
		principal: '',
		tool: 'report',
		status: 'working',
		attempts: 2,
		createdAtMs: nowMs,
		updatedAtMs: nowMs,
		expiresAtMs: nowMs + 60_000,
		pollIntervalMs: 100,
		inputs,
	};
	const call = { session: { clientCapabilities: { elicitation: {} } } };
	await store.create(record, call);
	await new TaskRun({
		host: hostOf(run),
		store,
		record,
		call,
		steps,
		platform: undefined,
		createCustom: () => undefined,
		sleepUntil: async () => {},
		now: Date.now,
	}).run();
	return store.read(record.name);
}

function stored(name: string, index: number, more: Partial<TaskStep> = {}): TaskStep {
	return { name, kind: 'step', index, isConcurrent: false, value: `stored ${name}`, ...more };
}

describe('a call that starts again', () => {
	const twoSteps = async (): Promise<string> => {
		const first = await currentTask().step('read', () => 'read again');
		return `${first}, ${await currentTask().step('sum', () => 'summed')}`;
	};

	it('skips the steps that were completed, and runs the others', async () => {
		const task = await restart(twoSteps, [stored('read', 0)]);
		expect(task?.result).toMatchObject({ content: [{ text: 'stored read, summed' }] });
	});

	it.each<[string, TaskStep[], string]>([
		[
			'another step in the place of one',
			[stored('open', 0)],
			'the step "read" differs from an earlier start of this call, which completed "open" in its place',
		],
		[
			'steps in another order',
			[stored('sum', 0), stored('read', 1)],
			'the step "read" differs from an earlier start of this call, which completed "sum" in its place',
		],
		[
			'a sleep of the same name',
			[stored('read', 0, { kind: 'sleep' })],
			'the step "read" differs from an earlier start of this call, which completed a sleep of this name',
		],
	])('fails if its journal has %s', async (_, steps, message) => {
		const task = await restart(twoSteps, steps);
		expect(task).toMatchObject({ status: 'failed', error: { code: -32603 } });
		expect(task?.statusMessage).toContain(message);
		expect(task?.statusMessage).toContain(
			'the tool has changed while the task ran, or its steps depend on time or chance. Call the tool again',
		);
	});

	it('does not compare the order of concurrent steps', async () => {
		const both = async (): Promise<string> =>
			(
				await Promise.all([
					currentTask().step('read', () => 'a'),
					currentTask().step('sum', () => 'b'),
				])
			).join();
		const steps = [
			stored('sum', 0, { isConcurrent: true }),
			stored('read', 1, { isConcurrent: true }),
		];
		const task = await restart(both, steps);
		expect(task?.result).toMatchObject({ content: [{ text: 'stored read,stored sum' }] });
	});

	it('fails if it asks another question than the one that was answered', async () => {
		const ask = async (): Promise<string> =>
			String((await currentTask().ask('Delete?', Approval)).content?.approve);
		const request = { method: 'elicitation/create', params: { message: 'Publish?' } };
		const response = { action: 'accept', content: { approve: true } };
		const task = await restart(ask, [], [{ key: 'input-1', request, response }]);
		expect(task).toMatchObject({ status: 'failed' });
		expect(task?.statusMessage).toContain(
			'the elicitation/create 1 differs from an earlier start of this call',
		);
	});
});

describe('an interrupted call', () => {
	const problem = (
		policy: TaskTool,
		stopped: { interruptions?: number; usesJournal?: boolean; annotations?: object } = {},
	): Promise<string | undefined> => {
		const { annotations, interruptions = 1, usesJournal = false } = stopped;
		const host = hostOf(async () => 'done', annotations);
		const options = resolveTasks({ tools: { report: policy } });
		const record = { principal: '', tool: 'report' };
		return restartProblem(
			{ host, options },
			{ record, call: undefined, interruptions, usesJournal },
		);
	};

	it('starts again if it has stored steps, or its tool is idempotent or read-only', async () => {
		expect(await problem({}, { usesJournal: true })).toBeUndefined();
		expect(await problem({}, { annotations: { idempotentHint: true } })).toBeUndefined();
		expect(await problem({}, { annotations: { readOnlyHint: true } })).toBeUndefined();
		expect(await problem({}, { annotations: { destructiveHint: false } })).toContain(
			'report was interrupted by a restart and cannot be resumed',
		);
	});

	it('does as onInterrupt says, whatever its tool is', async () => {
		expect(await problem({ onInterrupt: 'resume' })).toBeUndefined();
		expect(await problem({ onInterrupt: 'fail' }, { usesJournal: true })).toContain(
			'Call it again',
		);
	});

	it('does not start more often than maxAttempts, by default five times', async () => {
		expect(await problem({}, { interruptions: 4, usesJournal: true })).toBeUndefined();
		expect(await problem({}, { interruptions: 5, usesJournal: true })).toBe(
			'report was interrupted 5 times by restarts; call it again',
		);
		const once = { onInterrupt: 'resume', maxAttempts: 1 } as const;
		expect(await problem(once, { interruptions: 1 })).toBe(
			'report was interrupted 1 times by restarts; call it again',
		);
	});

	it('waits twice as long before each start, at most five minutes', () => {
		expect([1, 2, 3, 8, 9, 30].map(retryDelayMs)).toEqual([
			1_000, 2_000, 4_000, 128_000, 256_000, 300_000,
		]);
	});
});
