import type * as LimitWorkers from './workers/limits.ts';
import type * as InfoManagers from './workers/info-managers.ts';
import type * as McpAgentWorker from './workers/mcp-agent.ts';
import type * as MemoryWorkers from './workers/memory.ts';
import type * as OurWorkers from './workers/ours.ts';
import type * as SdkWorkers from './workers/official-sdk.ts';
import type * as SessionObjectWorker from './workers/session-object.ts';
import type * as UpstreamWorkers from './workers/upstream.ts';

/** Measurements and documents in which a contender can appear. */
export type Measure =
	// Workloads of the throughput measurement.
	| 'call'
	| 'stateless call'
	| 'whole session'
	// Other measurements.
	| 'session object'
	| 'fan-out'
	| 'fan-out alone'
	| 'resume'
	| 'cold start'
	| 'stream memory'
	| 'database bytes'
	| 'operations'
	// Tables and charts made of the results.
	| 'costs'
	| 'chart'
	| 'short table';

/** The info managers that are compared. */
export type InfoManagerName = keyof typeof InfoManagers.infoManagers;

/** Modules in `workers/` that export factories of Workers. */
interface WorkerModules {
	limits: typeof LimitWorkers;
	memory: typeof MemoryWorkers;
	'mcp-agent': typeof McpAgentWorker;
	'official-sdk': typeof SdkWorkers;
	'session-object': typeof SessionObjectWorker;
	upstream: typeof UpstreamWorkers;
}

type InfoFactory = Exclude<keyof typeof InfoManagers, 'infoManagers'>;

/** A factory by module and export; those of `ours` take the factory of an info manager. */
type WorkerFactory =
	| readonly ['ours', keyof typeof OurWorkers, InfoFactory]
	| {
			[Name in keyof WorkerModules]: readonly [Name, keyof WorkerModules[Name]];
	  }[keyof WorkerModules];

/** Durable Object classes, each with the module that a deployment would import it from. */
export const objectModules = {
	SyncLayer: '@tmcp-sessions/streams-durable-object',
	SessionShard: '@tmcp-sessions/info-durable-object',
	BareObject: './objects.ts',
	TransportObject: './objects.ts',
	BenchmarkSession: './session-object.ts',
	UpstreamSyncLayer: './upstream.ts',
	McpAgentObject: './mcp-agent.ts',
} as const;

/** The name of a Durable Object class. */
export type ObjectClass = keyof typeof objectModules;

interface ContenderRow<Part extends Measure = Measure> {
	/** Its name in tables. */
	readonly title: string;
	readonly group: 'limit' | 'ours' | 'peer';
	/** Whether `initialize` opens a session. If not, clients send calls without a session id. */
	readonly hasSessions: boolean;
	/** Generates the Worker's main module. */
	readonly worker: WorkerFactory;
	readonly objects: readonly ObjectClass[];
	readonly takesPartIn: readonly Part[];
}

const speed = ['call', 'whole session', 'cold start'] as const;
const all = [...speed, 'operations', 'costs', 'chart', 'short table'] as const;
const streams = ['SyncLayer'] as const;
const streamsAndShards = ['SyncLayer', 'SessionShard'] as const;
const limit = { group: 'limit', hasSessions: true, objects: [] } as const;
const ours = { group: 'ours', hasSessions: true } as const;
const peer = { group: 'peer', hasSessions: true } as const;
const withoutSessions = { group: 'peer', hasSessions: false, objects: [] } as const;

type CreatePair = <Part extends Measure>(
	managers: string,
	createInfo: InfoFactory,
	objects: readonly ObjectClass[],
	takesPartIn: readonly Part[],
) => ContenderRow<Part>;

/** Returns a function that creates the row of a pair of our managers behind a Worker. */
function pairBehind(factory: keyof typeof OurWorkers, suffix: string): CreatePair {
	return (managers, createInfo, objects, takesPartIn) => ({
		...ours,
		title: `${managers}, ${suffix}`,
		worker: ['ours', factory, createInfo],
		objects,
		takesPartIn,
	});
}

const bare = pairBehind('createTransportWorker', 'bare `HttpTransport`');
const throughHttp = pairBehind('createHandler', 'through `http`');
const growing = pairBehind('createGrowingWorker', 'filled');

/**
 * Every contender, in the order of the tables. Two rules keep the list short: a 2026-07-28 call reads
 * no store, so one pair of managers represents all of them there, and streams do not depend on the
 * info manager.
 */
export const contenders = {
	'bare-worker': {
		...limit,
		title: 'a bare Worker with a constant answer',
		worker: ['limits', 'createBareWorker'],
		takesPartIn: [...speed, 'stateless call', 'short table'],
	},
	'bare-worker-kv-read': {
		...limit,
		title: 'a bare Worker with one KV read',
		worker: ['limits', 'createKvReader'],
		takesPartIn: ['call', 'chart', 'short table'],
	},
	'bare-worker-object': {
		...limit,
		title: 'a bare Worker with one RPC to a Durable Object',
		worker: ['limits', 'createObjectCaller'],
		objects: ['BareObject'],
		takesPartIn: ['call', 'whole session', 'chart', 'short table'],
	},
	'bare-worker-object-row': {
		...limit,
		title: 'a bare Worker whose object reads one row',
		worker: ['limits', 'createRowReader'],
		objects: ['BareObject'],
		takesPartIn: ['call', 'short table'],
	},
	'bare-worker-session-object': {
		...limit,
		title: "a bare Worker with one RPC to each session's own object",
		worker: ['limits', 'createSessionObjectCaller'],
		objects: ['BareObject'],
		takesPartIn: ['session object'],
	},
	'transport-session-object': {
		...limit,
		title: "`tmcp`, managers in memory, in each session's own object",
		worker: ['limits', 'createTransportRouter'],
		objects: ['TransportObject'],
		takesPartIn: ['session object'],
	},
	'memory-bare': {
		...limit,
		title: '`tmcp`, managers in memory',
		worker: ['memory', 'createMemoryTransport'],
		takesPartIn: [
			...speed,
			'stateless call',
			'fan-out alone',
			'stream memory',
			'chart',
			'short table',
		],
	},
	'memory-bare-object': {
		...limit,
		title: '`tmcp`, managers in memory, after one RPC',
		worker: ['memory', 'createMemoryTransportAfterRpc'],
		objects: ['BareObject'],
		takesPartIn: ['call', 'short table'],
	},
	'memory-http': {
		...limit,
		title: '`http`, managers in memory',
		worker: ['memory', 'createMemoryHandler'],
		takesPartIn: [...speed, 'stateless call', 'fan-out', 'stream memory', 'chart', 'short table'],
	},
	'ours-memory-bare': bare('memory and Durable Object', 'createMemoryInfo', streams, speed),
	'ours-memory': throughHttp('memory and Durable Object', 'createMemoryInfo', streams, [
		...speed,
		'operations',
		'short table',
	]),
	'ours-bare': bare('KV and Durable Object', 'createKvInfo', streams, [
		...speed,
		'stateless call',
		'fan-out alone',
		'stream memory',
		'operations',
	]),
	'ours-http': throughHttp('KV and Durable Object', 'createKvInfo', streams, [
		...all,
		'stateless call',
		'fan-out',
		'resume',
		'stream memory',
		'database bytes',
	]),
	'ours-object-bare': bare('Durable Objects alone', 'createObjectInfo', streamsAndShards, speed),
	'ours-object': throughHttp('Durable Objects alone', 'createObjectInfo', streamsAndShards, [
		...all,
		'fan-out alone',
		'resume',
		'stream memory',
		'database bytes',
	]),
	'ours-mixed-bare': bare('mixed and Durable Object', 'createMixedInfo', streamsAndShards, speed),
	'ours-mixed': throughHttp('mixed and Durable Object', 'createMixedInfo', streamsAndShards, all),
	'ours-cached-bare': bare(
		'cached and Durable Object',
		'createCachedInfo',
		streamsAndShards,
		speed,
	),
	'ours-cached': throughHttp(
		'cached and Durable Object',
		'createCachedInfo',
		streamsAndShards,
		all,
	),
	'ours-upstash-bare': bare('Upstash and Durable Object', 'createUpstashInfo', streams, speed),
	'ours-upstash': throughHttp('Upstash and Durable Object', 'createUpstashInfo', streams, all),
	// `http` issues the sealed ids, so a bare transport cannot use them.
	'ours-sealed': throughHttp('sealed over Durable Objects', 'createSealedInfo', streamsAndShards, [
		...all,
		'database bytes',
	]),
	'session-object': {
		...ours,
		title: '`session-object`, the whole server in an object',
		worker: ['session-object', 'createRouter'],
		objects: ['BenchmarkSession'],
		takesPartIn: [...all, 'session object', 'resume', 'stream memory', 'database bytes'],
	},
	upstream: {
		...peer,
		title: '`@tmcp/session-manager-durable-objects`',
		worker: ['upstream', 'createUpstream'],
		objects: ['UpstreamSyncLayer'],
		takesPartIn: [...all, 'stateless call', 'fan-out alone', 'database bytes'],
	},
	'upstream-kept-alive': {
		...peer,
		title: '`@tmcp/session-manager-durable-objects`, kept alive',
		worker: ['upstream', 'createUpstreamKeptAlive'],
		objects: ['UpstreamSyncLayer'],
		takesPartIn: ['fan-out', 'resume', 'stream memory'],
	},
	'mcp-agent': {
		...peer,
		title: '`McpAgent` of `agents`',
		worker: ['mcp-agent', 'createMcpAgentWorker'],
		objects: ['McpAgentObject'],
		takesPartIn: [...all, 'session object', 'resume', 'stream memory', 'database bytes'],
	},
	'agents-handler': {
		...withoutSessions,
		title: '`createMcpHandler` of `agents`',
		worker: ['official-sdk', 'createAgentsHandler'],
		takesPartIn: [...all, 'stateless call'],
	},
	'sdk-handler': {
		...withoutSessions,
		title: '`createMcpHandler` of the official SDK',
		worker: ['official-sdk', 'createSdkHandler'],
		takesPartIn: [...all, 'stateless call'],
	},
	'growing-kv': growing('KV and Durable Object', 'createKvInfo', streams, []),
	'growing-object': growing('Durable Objects alone', 'createObjectInfo', streamsAndShards, []),
} as const satisfies Record<string, ContenderRow>;

/** The name of a contender. */
export type Contender = keyof typeof contenders;

/** The names of the contenders that take part in a measure. */
export type ContenderIn<Name extends Measure> = {
	[Each in Contender]: Name extends (typeof contenders)[Each]['takesPartIn'][number] ? Each : never;
}[Contender];

/** Returns the contenders that take part in a measure, in the order of the table. */
export function contendersIn<Name extends Measure>(measure: Name): readonly ContenderIn<Name>[] {
	// Safe because the keys are those of the literal above and the filter is what the type computes.
	return (Object.keys(contenders) as Contender[]).filter((name): name is ContenderIn<Name> =>
		contenders[name].takesPartIn.some((each) => each === measure),
	);
}

/** Returns the name of a contender in tables. */
export function titleOf(name: Contender): string {
	return contenders[name].title;
}

/** Returns the entries of a record keyed by contender, typed as such. */
export function entriesByContender<Value>(
	record: Readonly<Partial<Record<Contender, Value>>>,
): [Contender, Value][] {
	// Safe because the keys are contenders and no value is set to undefined.
	return Object.entries(record) as [Contender, Value][];
}

/** The contender that runs each info manager through `http`. */
export const contenderOfManager = {
	memory: 'ours-memory',
	kv: 'ours-http',
	'durable-object': 'ours-object',
	mixed: 'ours-mixed',
	cached: 'ours-cached',
	upstash: 'ours-upstash',
	sealed: 'ours-sealed',
} as const satisfies Record<InfoManagerName, ContenderIn<'operations'>>;
