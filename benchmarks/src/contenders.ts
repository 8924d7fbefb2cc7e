import type { InfoManagerName } from './contenders/info-managers.ts';

/** Where a contender can take part. */
export type Measure =
	// Kinds of work whose speed is measured: `throughput/works.ts`.
	| 'call'
	| 'stateless call'
	| 'whole session'
	// Parts of the benchmarks.
	| 'own object'
	| 'fan-out'
	| 'fan-out alone'
	| 'resume'
	| 'cold start'
	| 'stream memory'
	| 'database bytes'
	| 'operations'
	// What is made of them.
	| 'costs'
	| 'picture'
	| 'short table';

/** What a contender is. Its Worker is `contenders/<name>.ts`. */
interface ContenderFacts {
	/** What it is called in a table. */
	readonly title: string;
	readonly group: 'limit' | 'ours' | 'peer';
	/** Whether `initialize` opens a session; where not, a client sends its calls without an id. */
	readonly keepsSessions: boolean;
	/** The Durable Object classes that it takes, as `contenders/objects.ts` calls them. */
	readonly objects: readonly string[];
	readonly takesPartIn: readonly Measure[];
}

const atSpeed = ['call', 'whole session', 'cold start'] as const;
const everywhere = [...atSpeed, 'operations', 'costs', 'picture', 'short table'] as const;
const streams = ['SyncLayer'] as const;
const streamsAndSessions = ['SyncLayer', 'SessionShard'] as const;
const limit = { group: 'limit', keepsSessions: true } as const;
const ours = { group: 'ours', keepsSessions: true } as const;
const peer = { group: 'peer', keepsSessions: true } as const;

/**
 * Everything that is compared, the limits first, in the order of the tables. A call of 2026-07-28 asks
 * no store, so that one pair stands for all there; and a stream is the same with every info manager.
 */
export const contenders = {
	'bare-worker': {
		...limit,
		title: 'a bare Worker with a constant answer',
		objects: [],
		takesPartIn: [...atSpeed, 'stateless call', 'short table'],
	},
	'bare-worker-kv-read': {
		...limit,
		title: 'a bare Worker with one KV read',
		objects: [],
		takesPartIn: ['call', 'picture', 'short table'],
	},
	'bare-worker-object': {
		...limit,
		title: 'a bare Worker with one call of a Durable Object',
		objects: ['BareObject'],
		takesPartIn: ['call', 'whole session', 'picture', 'short table'],
	},
	'bare-worker-object-row': {
		...limit,
		title: 'a bare Worker whose object reads one row',
		objects: ['BareObject'],
		takesPartIn: ['call', 'short table'],
	},
	'bare-worker-session-object': {
		...limit,
		title: "a bare Worker with one call of each session's own object",
		objects: ['BareObject'],
		takesPartIn: ['own object'],
	},
	'transport-session-object': {
		...limit,
		title: "`tmcp`, managers in memory, in each session's own object",
		objects: ['TransportObject'],
		takesPartIn: ['own object'],
	},
	'memory-bare': {
		...limit,
		title: '`tmcp`, managers in memory',
		objects: [],
		takesPartIn: [
			...atSpeed,
			'stateless call',
			'fan-out alone',
			'stream memory',
			'picture',
			'short table',
		],
	},
	'memory-bare-object': {
		...limit,
		title: '`tmcp`, managers in memory, after one object call',
		objects: ['BareObject'],
		takesPartIn: ['call', 'short table'],
	},
	'memory-http': {
		...limit,
		title: '`http`, managers in memory',
		objects: [],
		takesPartIn: [
			...atSpeed,
			'stateless call',
			'fan-out',
			'stream memory',
			'picture',
			'short table',
		],
	},
	'ours-memory-bare': {
		...ours,
		title: 'memory and Durable Object, bare `HttpTransport`',
		objects: streams,
		takesPartIn: atSpeed,
	},
	'ours-memory': {
		...ours,
		title: 'memory and Durable Object, through `http`',
		objects: streams,
		takesPartIn: [...atSpeed, 'operations', 'short table'],
	},
	'ours-bare': {
		...ours,
		title: 'KV and Durable Object, bare `HttpTransport`',
		objects: streams,
		takesPartIn: [...atSpeed, 'stateless call', 'fan-out alone', 'stream memory', 'operations'],
	},
	'ours-http': {
		...ours,
		title: 'KV and Durable Object, through `http`',
		objects: streams,
		takesPartIn: [
			...everywhere,
			'stateless call',
			'fan-out',
			'resume',
			'stream memory',
			'database bytes',
		],
	},
	'ours-object-bare': {
		...ours,
		title: 'Durable Objects alone, bare `HttpTransport`',
		objects: streamsAndSessions,
		takesPartIn: atSpeed,
	},
	'ours-object': {
		...ours,
		title: 'Durable Objects alone, through `http`',
		objects: streamsAndSessions,
		takesPartIn: [...everywhere, 'fan-out alone', 'resume', 'stream memory', 'database bytes'],
	},
	'ours-mixed-bare': {
		...ours,
		title: 'mixed and Durable Object, bare `HttpTransport`',
		objects: streamsAndSessions,
		takesPartIn: atSpeed,
	},
	'ours-mixed': {
		...ours,
		title: 'mixed and Durable Object, through `http`',
		objects: streamsAndSessions,
		takesPartIn: everywhere,
	},
	'ours-cached-bare': {
		...ours,
		title: 'cached and Durable Object, bare `HttpTransport`',
		objects: streamsAndSessions,
		takesPartIn: atSpeed,
	},
	'ours-cached': {
		...ours,
		title: 'cached and Durable Object, through `http`',
		objects: streamsAndSessions,
		takesPartIn: everywhere,
	},
	'ours-upstash-bare': {
		...ours,
		title: 'Upstash and Durable Object, bare `HttpTransport`',
		objects: streams,
		takesPartIn: atSpeed,
	},
	'ours-upstash': {
		...ours,
		title: 'Upstash and Durable Object, through `http`',
		objects: streams,
		takesPartIn: everywhere,
	},
	// Its ids are made by `http`: there is none behind a bare transport.
	'ours-sealed': {
		...ours,
		title: 'sealed over Durable Objects, through `http`',
		objects: streamsAndSessions,
		takesPartIn: [...everywhere, 'database bytes'],
	},
	'session-object': {
		...ours,
		title: '`session-object`, the whole server in an object',
		objects: ['BenchmarkSession'],
		takesPartIn: [...everywhere, 'own object', 'resume', 'stream memory', 'database bytes'],
	},
	upstream: {
		...peer,
		title: '`@tmcp/session-manager-durable-objects`',
		objects: ['UpstreamSyncLayer'],
		takesPartIn: [...everywhere, 'stateless call', 'fan-out alone', 'database bytes'],
	},
	'upstream-kept-alive': {
		...peer,
		title: '`@tmcp/session-manager-durable-objects`, kept alive',
		objects: ['UpstreamSyncLayer'],
		takesPartIn: ['fan-out', 'resume', 'stream memory'],
	},
	'mcp-agent': {
		...peer,
		title: '`McpAgent` of `agents`',
		objects: ['McpAgentObject'],
		takesPartIn: [...everywhere, 'own object', 'resume', 'stream memory', 'database bytes'],
	},
	'agents-handler': {
		...peer,
		title: '`createMcpHandler` of `agents`',
		keepsSessions: false,
		objects: [],
		takesPartIn: [...everywhere, 'stateless call'],
	},
	'sdk-handler': {
		...peer,
		title: '`createMcpHandler` of the official SDK',
		keepsSessions: false,
		objects: [],
		takesPartIn: [...everywhere, 'stateless call'],
	},
	'growing-kv': { ...ours, title: 'KV and Durable Object, filled', objects: [], takesPartIn: [] },
	'growing-object': {
		...ours,
		title: 'Durable Objects alone, filled',
		objects: ['SessionShard'],
		takesPartIn: [],
	},
} as const satisfies Record<string, ContenderFacts>;

/** The name of a contender. */
export type Contender = keyof typeof contenders;

/** The names of those that take part in a measure. */
export type ContenderIn<Name extends Measure> = {
	[Each in Contender]: Name extends (typeof contenders)[Each]['takesPartIn'][number] ? Each : never;
}[Contender];

/** Everybody who takes part in a measure, in the order of the list. */
export function contendersIn<Name extends Measure>(measure: Name): readonly ContenderIn<Name>[] {
	// Sound: the keys are those of the literal above, and the filter says what the type says.
	return (Object.keys(contenders) as Contender[]).filter((name): name is ContenderIn<Name> =>
		contenders[name].takesPartIn.some((each) => each === measure),
	);
}

/** What a contender is called in a table. */
export function titleOf(name: Contender): string {
	return contenders[name].title;
}

/** Whether a client of this contender has a session to name. */
export function keepsSessions(name: Contender): boolean {
	return contenders[name].keepsSessions;
}

/** The contender that has this info manager, through `http`. */
export const contenderOfManager = {
	memory: 'ours-memory',
	kv: 'ours-http',
	'durable-object': 'ours-object',
	mixed: 'ours-mixed',
	cached: 'ours-cached',
	upstash: 'ours-upstash',
	sealed: 'ours-sealed',
} as const satisfies Record<InfoManagerName, ContenderIn<'operations'>>;
