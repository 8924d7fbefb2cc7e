import type { BackgroundCall, ExtensionHost, JsonObject } from '@tmcp-sessions/http/internal';
import type { TasksOptions } from '@tmcp-sessions/tasks';
import type {
	TaskEngine,
	TaskEngineCapabilities,
	TaskRecord,
	TaskStarted,
	TaskStore,
} from '@tmcp-sessions/tasks/backend';
import { describe, expect, it } from 'vitest';

const CASE_TIMEOUT_MS = 60_000;
const HOUR_MS = 3_600_000;
const TOOLS: TasksOptions['tools'] = { scripted: {} };

/** The engine that a case tests, and the store of its tasks. */
export interface TaskEngineUnderTest {
	readonly engine: TaskEngine;
	readonly store: TaskStore;
	/** Releases the resources that the factory opened. */
	close?(): Promise<void>;
}

/** Creates an engine for one case, which has `host` run the calls of the tool `scripted`. */
export type TaskEngineFactory = (
	host: ExtensionHost,
	tools: TasksOptions['tools'],
) => Promise<TaskEngineUnderTest> | TaskEngineUnderTest;

/** The arguments of a case. */
export interface TaskEngineSubject extends TaskEngineUnderTest {
	readonly expected: TaskEngineCapabilities;
	/** Sets what the tool does. */
	play(script: ToolScript): void;
	/** Starts a task. */
	start(fields?: { waitMs?: number; limits?: { running: number; stored: number } }): Promise<{
		readonly name: string;
		readonly started: TaskStarted;
	}>;
	/** Resolves with the task once it has one of the statuses. */
	until(name: string, ...statuses: TaskRecord['status'][]): Promise<TaskRecord>;
}

/** What a scripted tool can do. */
export interface ToolAccess {
	readonly signal: AbortSignal;
	/** Sends the client a request, and resolves with its result. */
	request(method: string, params: JsonObject): Promise<unknown>;
	notify(method: string, params: JsonObject): void;
}

/** What a scripted tool does. Returns the result of the call. */
export type ToolScript = (tool: ToolAccess) => Promise<JsonObject> | JsonObject;

/** One requirement of every task engine. `run` rejects if the engine violates it. */
export interface TaskEngineCase {
	readonly name: string;
	run(subject: TaskEngineSubject): Promise<void>;
}

const done = (text: string): JsonObject => ({ content: [{ type: 'text', text }] });
const ELICITATION = { message: 'Publish?', requestedSchema: { type: 'object' } };

/** All cases of `TaskEngine`. */
export const taskEngineCases: readonly TaskEngineCase[] = [
	{
		name: 'declares the expected capabilities',
		async run({ engine, expected }) {
			expect(engine.capabilities).toEqual(expected);
		},
	},
	{
		name: 'runs a call once, and stores its result',
		async run({ play, start, until }) {
			let runs = 0;
			play(() => done(`run ${++runs}`));
			const { name } = await start();
			expect(await until(name, 'completed')).toMatchObject({ result: done('run 1'), attempts: 1 });
			expect(runs).toBe(1);
		},
	},
	{
		name: 'has stored a task when its start resolves',
		async run({ play, start, store }) {
			const { promise, resolve } = Promise.withResolvers<void>();
			play(async () => {
				await promise;
				return done('late');
			});
			const { name, started } = await start();
			expect(await store.read(name)).toMatchObject({ status: 'working' });
			expect(started).toMatchObject({ record: { name } });
			resolve();
		},
	},
	{
		name: 'waits for the end of a task if the start asks for it, but no longer',
		async run({ play, start, until }) {
			play(() => done('at once'));
			const { started } = await start({ waitMs: 10_000 });
			expect(started).toMatchObject({ record: { status: 'completed', result: done('at once') } });
			const { promise, resolve } = Promise.withResolvers<void>();
			play(async () => {
				await promise;
				return done('late');
			});
			const slow = await start({ waitMs: 20 });
			expect(slow.started).toMatchObject({ record: { status: 'working' } });
			resolve();
			await until(slow.name, 'completed');
		},
	},
	{
		name: 'fails a task whose call ends with an error',
		async run({ play, start, until }) {
			play(() => {
				throw new Error('out of ink');
			});
			const { name } = await start();
			expect(await until(name, 'failed')).toMatchObject({ error: { message: 'out of ink' } });
		},
	},
	{
		name: 'starts nothing beyond the limits',
		async run({ play, start, until }) {
			let runs = 0;
			const { promise, resolve } = Promise.withResolvers<void>();
			play(async () => {
				runs += 1;
				await promise;
				return done('');
			});
			const limits = { running: 1, stored: 10 };
			const { name } = await start({ limits });
			expect((await start({ limits })).started).toEqual({ limit: 'running' });
			resolve();
			await until(name, 'completed');
			expect(runs).toBe(1);
		},
	},
	{
		name: 'delivers responses by their keys, and ignores unknown and answered ones',
		async run({ engine, play, start, until }) {
			play(async ({ request }) => {
				const answers = await Promise.all([
					request('elicitation/create', ELICITATION),
					request('elicitation/create', ELICITATION),
				]);
				return done(JSON.stringify(answers));
			});
			const { name } = await start();
			await expect.poll(async () => (await until(name, 'input_required')).inputs.length).toBe(2);
			const [one = '', two = ''] = (await until(name, 'input_required')).inputs.map(
				({ key }) => key,
			);
			const accept = (value: number): JsonObject => ({ action: 'accept', content: { value } });
			expect(await engine.deliver(name, { [two]: accept(2), other: accept(3) })).toMatchObject({
				isKnown: true,
			});
			expect(await until(name, 'input_required')).toBeDefined();
			await engine.deliver(name, { [two]: accept(4) });
			await engine.deliver(name, { [one]: accept(1) });
			const { result } = await until(name, 'completed');
			expect(result).toEqual(done(JSON.stringify([accept(1), accept(2)])));
		},
	},
	{
		name: 'delivers nothing if one response is invalid',
		async run({ engine, play, start, until }) {
			play(async ({ request }) =>
				done(JSON.stringify(await request('elicitation/create', ELICITATION))),
			);
			const { name } = await start();
			const { inputs } = await until(name, 'input_required');
			const [{ key } = { key: '' }] = inputs;
			expect((await engine.deliver(name, { [key]: { content: {} } })).invalid).toContain(key);
			expect(await until(name, 'input_required')).toBeDefined();
			await engine.deliver(name, { [key]: { action: 'decline' } });
			await until(name, 'completed');
		},
	},
	{
		name: 'cancels a task at once, aborts its call, and drops the result',
		async run({ engine, play, start, until }) {
			// Not promises: in workerd, a request that awaits one of another request continues as a part of that one.
			const seen = { begun: false, aborted: false };
			play(async ({ signal }) => {
				seen.begun = true;
				await new Promise<void>((resolve) => {
					signal.addEventListener('abort', () => resolve(), { once: true });
				});
				seen.aborted = true;
				return done('too late');
			});
			const { name } = await start();
			await expect.poll(() => seen.begun).toBe(true);
			expect(await engine.cancel(name)).toBe(true);
			await expect.poll(() => seen.aborted).toBe(true);
			const task = await until(name, 'cancelled', 'completed', 'failed');
			expect(task).toMatchObject({ status: 'cancelled' });
			expect(task).not.toHaveProperty('result');
			expect(await engine.cancel(name)).toBe(true);
		},
	},
	{
		name: 'leaves a task that has ended as it is',
		async run({ engine, play, start, store, until }) {
			play(() => done('done'));
			const { name } = await start();
			const ended = await until(name, 'completed');
			expect(await engine.cancel(name)).toBe(true);
			expect(await engine.deliver(name, { 'input-1': { action: 'accept' } })).toMatchObject({
				isKnown: true,
			});
			expect(await store.read(name)).toEqual(ended);
		},
	},
	{
		name: 'knows no task that was not started',
		async run({ engine, store }) {
			const name = store.newName();
			expect(await engine.cancel(name)).toBe(false);
			expect((await engine.deliver(name, {})).isKnown).toBe(false);
		},
	},
];

/** Runs one case. Rejects with the failed assertion. */
export async function runTaskEngineCase(
	{ run }: TaskEngineCase,
	factory: TaskEngineFactory,
	expected: TaskEngineCapabilities,
): Promise<void> {
	const host = new ScriptedHost();
	const underTest = await factory(host, TOOLS);
	const { engine, store } = underTest;
	const principal = `principal ${crypto.randomUUID()}`;
	try {
		await run({
			engine,
			store,
			expected,
			play: (script) => {
				host.script = script;
			},
			async start({ limits, waitMs = 0 } = {}) {
				const name = store.newName();
				const nowMs = Date.now();
				const record: TaskRecord = {
					name,
					revision: 0,
					principal,
					tool: 'scripted',
					status: 'working',
					attempts: 0,
					createdAtMs: nowMs,
					updatedAtMs: nowMs,
					expiresAtMs: nowMs + HOUR_MS,
					pollIntervalMs: 100,
					inputs: [],
				};
				const call = { arguments: {}, session: {} };
				return { name, started: await engine.start({ record, call, limits, waitMs }) };
			},
			async until(name, ...statuses) {
				for (;;) {
					const record = await store.read(name);
					if (record && statuses.includes(record.status)) return record;
					await new Promise((resolve) => setTimeout(resolve, 5));
				}
			},
		});
	} finally {
		await underTest.close?.();
	}
}

/** Registers the contract of `TaskEngine` as Vitest tests. */
export function testTaskEngine(
	name: string,
	factory: TaskEngineFactory,
	expected: TaskEngineCapabilities,
): void {
	describe(`${name} as a task engine`, () => {
		for (const each of taskEngineCases) {
			it(each.name, { timeout: CASE_TIMEOUT_MS }, () => runTaskEngineCase(each, factory, expected));
		}
	});
}

/** Stands for a handler whose server has one tool. */
class ScriptedHost implements ExtensionHost {
	readonly hasContext = false;
	script: ToolScript = () => ({ content: [] });
	readonly #open = new Map<string | number, (response: JsonObject) => void>();
	#lastId = 0;

	secrets(): readonly string[] {
		return ['a secret of at least 32 characters: x7Kq'];
	}

	async runInBackground({ message, onFrame, signal }: BackgroundCall): Promise<JsonObject> {
		const { id } = message as { id?: unknown };
		const tool: ToolAccess = {
			signal,
			notify: (method, params) => onFrame({ jsonrpc: '2.0', method, params }),
			request: (method, params) => {
				const requestId = ++this.#lastId;
				const { promise, resolve } = Promise.withResolvers<JsonObject>();
				this.#open.set(requestId, resolve);
				onFrame({ jsonrpc: '2.0', id: requestId, method, params });
				return promise.then(({ result }) => result);
			},
		};
		try {
			return { jsonrpc: '2.0', id, result: await this.script(tool) };
		} catch (error) {
			const text = error instanceof Error ? error.message : String(error);
			return { jsonrpc: '2.0', id, error: { code: -32603, message: text } };
		}
	}

	async respond(response: JsonObject & { readonly id: string | number }): Promise<void> {
		this.#open.get(response.id)?.(response);
	}

	async clientMetadata(): Promise<object> {
		return {};
	}

	sendRequest(): never {
		throw new Error('a scripted tool has no client');
	}

	async hasTool(name: string): Promise<boolean> {
		return name === 'scripted';
	}

	async elicit(): Promise<unknown> {
		throw new Error('a scripted tool sends its requests itself');
	}

	progress(): void {}

	report(error: unknown): void {
		throw error;
	}
}
