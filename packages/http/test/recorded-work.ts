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
/** What the error of a backend says. */
export const OUTAGE = 'the backend is down';

/** Everything asynchronous that runs for a request: when it began, and whether it has ended. */
class RecordedWork {
	/** All that began, in order. */
	readonly begun: string[] = [];
	/** What has not ended yet. */
	readonly running = new Set<object>();
	/** What began after everything was said to be over. */
	readonly late: string[] = [];
	isOver = false;
	/** The operation on a backend that fails, and whether it did. */
	failing: string | undefined;
	hasFailed = false;
	/** What a backend was asked, with how often it had been: what runs at once has no order of its own. */
	readonly operations: string[] = [];

	/** Does something that takes a moment, as whatever goes over a network. */
	async run<T>(name: string, work: () => T | Promise<T>, ms = 2): Promise<T> {
		const operation = { name };
		this.running.add(operation);
		this.begun.push(name);
		if (this.isOver) this.late.push(name);
		try {
			await new Promise((resolve) => setTimeout(resolve, ms));
			return await work();
		} finally {
			this.running.delete(operation);
		}
	}

	/**
	 * The same backend, every call of it recorded; the one that was chosen fails.
	 *
	 * @param ms how long each call takes.
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

/** A deployment whose backends and tools are recorded. */
export interface RecordedDeployment {
	readonly mcp: McpHandler;
	readonly work: RecordedWork;
	readonly clock: ManualClock;
	readonly errors: Error[];
}

/** What takes longest: work that nothing keeps alive shows where what is kept alive is faster. */
export const SLOWEST = ['store', 'streams', 'subscriptions', 'info'] as const;

/** Sets up a deployment of its own. Questions end after 50 ms, heartbeats come each 10 ms. */
export function recordedDeployment(slowest: (typeof SLOWEST)[number]): RecordedDeployment {
	const work = new RecordedWork();
	const clock = new ManualClock();
	const errors: Error[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const backend = <Target extends object>(what: typeof slowest, target: Target): Target =>
		work.backend(target, what === slowest ? 12 : 2);
	const store = backend('store', new InMemorySessionStore({ now: clock.now }));
	const info = new StoredInfoSessionManager(store, { now: clock.now, onError });
	if (slowest === 'info') {
		// As one that asks its backend for each: the transport reads it after it has answered a 202.
		const getLogLevel = info.getLogLevel.bind(info);
		info.getLogLevel = (id) => work.run('getLogLevel', () => getLogLevel(id), 12);
	}
	const mcp = createMcpHandler(recordedServer(work), {
		info,
		streams: backend('streams', new InMemoryStreamSessionManager()),
		subscriptions: backend('subscriptions', new InMemorySubscriptionManager()),
		sessionKeys: [KEY],
		clientResponseTimeoutSeconds: 0.05,
		keepAliveSeconds: 0.01,
		onError,
	});
	return { mcp, work, clock, errors };
}

function recordedServer(work: RecordedWork): McpServer<v.GenericSchema> {
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
	server.tool({ name: 'answer', description: 'Answers at once' }, () => tool.text('answered'));
	server.tool({ name: 'throw', description: 'Fails' }, () => {
		throw new Error('the tool broke');
	});
	server.tool({ name: 'tell', description: 'Raises changes and returns at once' }, () => {
		server.changed('tools');
		server.changed('resource', 'test://a');
		return tool.text('told');
	});
	server.tool({ name: 'ask', description: 'Asks, then works', replayable: true }, async () => {
		const asked = server.elicitation('Sure?', v.object({ sure: v.boolean() }));
		const { action } = await asked.catch(() => ({ action: 'none' }));
		return work.run('tool', () => tool.text(action));
	});
	server.tool({ name: 'forget', description: 'Asks and does not wait' }, () => {
		server.elicitation('Sure?', v.object({ sure: v.boolean() })).catch(() => {});
		return tool.text('forgotten');
	});
	server.tool(
		{ name: 'work', description: 'Works', schema: v.object({ ms: v.number() }) },
		async ({ ms }) => {
			server.progress(1, 2, 'begun');
			await work.run('tool', () => new Promise((resolve) => setTimeout(resolve, ms)));
			return work.run('tool', () => tool.text('worked'));
		},
	);
	return server;
}
