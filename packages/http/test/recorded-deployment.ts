import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
	StoreError,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { ManualClock } from '@tmcp-sessions/testkit';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { InMemorySubscriptionManager } from '@tmcp/session-manager';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';
import * as v from 'valibot';

const KEY = 'a-key-of-the-tests-32-characters-long-and-more';
/** The cause of every failure of a backend. */
export const OUTAGE = 'the backend is down';

/** Records the jobs that run for requests, and which of them have not finished. */
class JobRecorder {
	/** Jobs that have not finished. */
	readonly running = new Set<object>();
	/** Names of the jobs that started after the platform has ended the requests. */
	readonly late: string[] = [];
	/** Whether the platform has ended the requests. */
	isOver = false;
	/** The backend operation that fails, and whether it did. */
	failing: string | undefined;
	hasFailed = false;
	/** The backend operations, each numbered per method, since concurrent operations have no fixed order. */
	readonly operations: string[] = [];

	/** Runs a job after a delay, as over a network. */
	async run<T>(name: string, job: () => T | Promise<T>, ms = 2): Promise<T> {
		const operation = { name };
		this.running.add(operation);
		if (this.isOver) this.late.push(name);
		try {
			await new Promise((resolve) => setTimeout(resolve, ms));
			return await job();
		} finally {
			this.running.delete(operation);
		}
	}

	/**
	 * Wraps a backend; records every operation, and fails the one named by `failing`.
	 *
	 * @param ms the duration of each operation.
	 */
	backend<Target extends object>(target: Target, ms: number): Target {
		return new Proxy(target, {
			get: (_, key) => {
				const member: unknown = Reflect.get(target, key, target);
				if (typeof member !== 'function') return member;
				return (...args: unknown[]): Promise<unknown> => {
					const name = `${target.constructor.name}.${String(key)}`;
					const times = this.operations.filter((each) => each.startsWith(`${name} `)).length;
					const operation = `${name} ${times + 1}`;
					this.operations.push(operation);
					const fails = operation === this.failing;
					this.hasFailed ||= fails;
					const operate = (): unknown => {
						if (fails) throw new StoreError('http', String(key), OUTAGE);
						return Reflect.apply(member, target, args);
					};
					return this.run(name, operate, ms);
				};
			},
		});
	}
}

/** A deployment that records the operations of its backends and the jobs of its tools. */
export interface RecordedDeployment {
	readonly mcp: McpHandler;
	readonly jobs: JobRecorder;
	readonly clock: ManualClock;
	readonly errors: Error[];
}

/** The backend that is slowest: a job that is not kept alive shows only while it outlasts the others. */
export const SLOWEST = ['store', 'streams', 'subscriptions', 'info'] as const;

/** Creates a deployment; server requests time out after 50 ms and keep-alives come every 10 ms. */
export function createRecordedDeployment(slowest: (typeof SLOWEST)[number]): RecordedDeployment {
	const jobs = new JobRecorder();
	const clock = new ManualClock();
	const errors: Error[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const backend = <Target extends object>(name: typeof slowest, target: Target): Target =>
		jobs.backend(target, name === slowest ? 12 : 2);
	const store = backend('store', new InMemorySessionStore({ now: clock.now }));
	const info = new StoredInfoSessionManager(store, { now: clock.now, onError });
	if (slowest === 'info') {
		// Like a manager without a cache: the transport reads the log level after its 202.
		const getLogLevel = info.getLogLevel.bind(info);
		info.getLogLevel = (id) => jobs.run('getLogLevel', () => getLogLevel(id), 12);
	}
	const mcp = createMcpHandler(createServer(jobs), {
		info,
		streams: backend('streams', new InMemoryStreamSessionManager()),
		subscriptions: backend('subscriptions', new InMemorySubscriptionManager()),
		sessionKeys: [KEY],
		clientResponseTimeoutSeconds: 0.05,
		keepAliveSeconds: 0.01,
		onError,
	});
	return { mcp, jobs, clock, errors };
}

function createServer(jobs: JobRecorder): McpServer<v.GenericSchema> {
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: 'recorded', version: '1.0.0' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: {
				tools: { listChanged: true },
				resources: { listChanged: true, subscribe: true },
				logging: {},
			},
		},
	);
	server.resource({ name: 'a', description: 'A resource', uri: 'test://a' }, (uri) =>
		resource.text(uri, 'a'),
	);
	server.tool({ name: 'return', description: 'Returns at once' }, () => tool.text('returned'));
	server.tool({ name: 'throw', description: 'Throws' }, () => {
		throw new Error('the tool broke');
	});
	server.tool({ name: 'notify', description: 'Announces changes and returns at once' }, () => {
		server.changed('tools');
		server.changed('resource', 'test://a');
		return tool.text('notified');
	});
	server.tool(
		{ name: 'elicit', description: 'Elicits, then works', replayable: true },
		async () => {
			const elicitation = server.elicitation('Sure?', v.object({ sure: v.boolean() }));
			const { action } = await elicitation.catch(() => ({ action: 'none' }));
			return jobs.run('tool', () => tool.text(action));
		},
	);
	server.tool({ name: 'elicit-unawaited', description: 'Elicits and returns at once' }, () => {
		server.elicitation('Sure?', v.object({ sure: v.boolean() })).catch(() => {});
		return tool.text('returned');
	});
	server.tool(
		{ name: 'work', description: 'Works', schema: v.object({ ms: v.number() }) },
		async ({ ms }) => {
			server.progress(1, 2, 'begun');
			await jobs.run('tool', () => new Promise((resolve) => setTimeout(resolve, ms)));
			return jobs.run('tool', () => tool.text('worked'));
		},
	);
	return server;
}
