import type { infoManagers } from './workers/info-managers.ts';

/** The info managers that are compared. */
export type InfoManagerName = keyof typeof infoManagers;

/** Durable Object classes, each with its binding and the module that a deployment would import it from. */
export const objectClasses = {
	SyncLayer: ['TMCP_DURABLE_OBJECT', '@tmcp-sessions/streams-durable-object'],
	SessionShard: ['TMCP_SESSION_SHARD', '@tmcp-sessions/info-durable-object'],
	BareObject: ['BARE_OBJECT', './objects.ts'],
	FloorObject: ['FLOOR_OBJECT', './floors.ts'],
	BenchmarkSession: ['BENCHMARK_SESSION', './session-object.ts'],
	UpstreamSyncLayer: ['UPSTREAM_DURABLE_OBJECT', './upstream.ts'],
	McpAgentObject: ['MCP_AGENT_OBJECT', './mcp-agent.ts'],
} as const;
/** The name of a Durable Object class. */
export type ObjectClass = keyof typeof objectClasses;

/** Contenders of the group `stateless` open no sessions: clients send them calls without an id. */
type Group = 'limit' | 'ours' | 'peer' | 'stateless';

/**
 * Returns a function that creates rows: the title; the module in `workers/`, its export, and the factory
 * of an info manager that it takes; the Durable Object classes; where the contender appears; and its floor.
 */
const rowsOf =
	(group: Group) =>
	<In extends string>(
		title: string,
		source: string,
		objects: string,
		appearsIn: In,
		floor?: string,
	) => ({
		group,
		title,
		source,
		appearsIn,
		floor,
		// Safe because a class that does not exist fails the first build.
		objects: objects.split(' ').filter(Boolean) as ObjectClass[],
	});
const limit = rowsOf('limit');
const ours = rowsOf('ours');
const peer = rowsOf('peer');
const stateless = rowsOf('stateless');

/** Returns a function that creates rows of a pair of our managers, with the floor of its storage. */
const pairsOf =
	(what: string, worker: string) =>
	<In extends string>(managers: string, info: string, objects: string, appearsIn: In) => {
		const floor = info.replace(/^create(\w+)Info$/, (_, store: string) => store.toLowerCase());
		return ours(`${managers}, ${what}`, `ours ${worker} ${info}`, objects, appearsIn, floor);
	};
const bare = pairsOf('bare `HttpTransport`', 'createBare');
const http = pairsOf('through `http`', 'createHandler');
/** Returns the row of a floor. */
const floor = <In extends string>(
	storage: string,
	worker: string,
	objects: string,
	appearsIn: In,
) => limit(`the floor of ${storage}`, `floors ${worker}`, objects, appearsIn);

const streams = 'SyncLayer';
const shards = 'SyncLayer SessionShard';
const speed = 'call session cold-start';
const floors = 'call session';
const all = `${speed} operations costs chart` as const;
const inObject = `${all} own-object resume stream-memory database` as const;

/**
 * Every contender, in the order of the tables. Two rules keep the list short: a 2026-07-28 call reads
 * no store, so one pair of managers represents all of them there, and streams do not depend on the
 * info manager.
 */
// prettier-ignore
export const contenders = {
	'bare-worker': limit('a bare Worker with a constant answer', 'limits bareWorker', '', `${speed} stateless-call growth`),
	'bare-worker-kv-read': limit('a bare Worker with one KV read', 'limits kvReader', '', 'call chart'),
	'bare-worker-object': limit('a bare Worker with one RPC to a Durable Object', 'limits objectCaller', 'BareObject', 'call session chart'),
	'bare-worker-session-object': limit("a bare Worker with one RPC to each session's own object", 'limits sessionObjectCaller', 'BareObject', 'own-object'),
	'floor-memory': floor('memory', 'memoryFloor', '', floors),
	'floor-kv': floor('KV', 'kvFloor', '', floors),
	'floor-object': floor('Durable Objects', 'objectFloor', 'BareObject', floors),
	'floor-mixed': floor('`splitInfo`', 'mixedFloor', 'BareObject', floors),
	'floor-cached': floor('`cachedInfo`', 'cachedFloor', 'BareObject', floors),
	'floor-upstash': floor('Upstash', 'upstashFloor', '', floors),
	'floor-sealed': floor('sealed sessions', 'sealedFloor', '', floors),
	'floor-session-object': floor('a session object', 'sessionObjectFloor', 'FloorObject', `${floors} own-object stream-memory`),
	'memory-bare': limit('`tmcp`, managers in memory', 'memory memoryTransport', '', `${speed} stateless-call fan-out-alone chart`, 'memory'),
	'memory-kept-alive': limit('`tmcp`, managers in memory, kept alive', 'memory memoryKeptAlive', '', 'stream-memory'),
	'memory-http': limit('`http`, managers in memory', 'memory memoryHandler', '', `${speed} stateless-call fan-out stream-memory chart`, 'memory'),
	'ours-memory-bare': bare('memory and Durable Object', 'createMemoryInfo', streams, speed),
	'ours-memory': http('memory and Durable Object', 'createMemoryInfo', streams, `${speed} operations`),
	'ours-bare': bare('KV and Durable Object', 'createKvInfo', streams, `${speed} stateless-call fan-out-alone stream-memory operations`),
	'ours-http': http('KV and Durable Object', 'createKvInfo', streams, `${all} stateless-call fan-out resume stream-memory database`),
	'ours-object-bare': bare('Durable Objects alone', 'createObjectInfo', shards, speed),
	'ours-object': http('Durable Objects alone', 'createObjectInfo', shards, `${all} fan-out-alone resume stream-memory database`),
	'ours-mixed-bare': bare('mixed and Durable Object', 'createMixedInfo', shards, speed),
	'ours-mixed': http('mixed and Durable Object', 'createMixedInfo', shards, all),
	'ours-cached-bare': bare('cached and Durable Object', 'createCachedInfo', shards, speed),
	'ours-cached': http('cached and Durable Object', 'createCachedInfo', shards, all),
	'ours-upstash-bare': bare('Upstash and Durable Object', 'createUpstashInfo', streams, speed),
	'ours-upstash': http('Upstash and Durable Object', 'createUpstashInfo', streams, all),
	// `http` issues the sealed ids, so a bare transport cannot use them.
	'ours-sealed': http('sealed over Durable Objects', 'createSealedInfo', shards, `${all} database`),
	'session-object': ours('`session-object`, the whole server in an object', 'session-object router', 'BenchmarkSession', inObject, 'session-object'),
	'ours-sdk': ours('`sdk` around a server of the official SDK, sealed', 'official-sdk createHandler createSealedInfo', shards, 'call stateless-call'),
	upstream: peer('`@tmcp/session-manager-durable-objects`', 'upstream upstream', 'UpstreamSyncLayer', `${all} stateless-call fan-out-alone database`),
	'upstream-kept-alive': peer('`@tmcp/session-manager-durable-objects`, kept alive', 'upstream upstreamKeptAlive', 'UpstreamSyncLayer', 'fan-out resume stream-memory'),
	'mcp-agent': peer('`McpAgent` of `agents`', 'mcp-agent mcpAgentWorker', 'McpAgentObject', inObject),
	'agents-handler': stateless('`createMcpHandler` of `agents`', 'official-sdk agentsHandler', '', `${all} stateless-call`),
	'sdk-handler': stateless('`createMcpHandler` of the official SDK', 'official-sdk sdkHandler', '', `${all} stateless-call`),
	'growing-kv': ours('KV and Durable Object, filled', 'ours createGrowing createKvInfo', streams, 'growth'),
	'growing-object': ours('Durable Objects alone, filled', 'ours createGrowing createObjectInfo', shards, 'growth'),
};

/** The name of a contender. */
export type Contender = keyof typeof contenders;

type Split<Text> = Text extends `${infer First} ${infer Rest}` ? First | Split<Rest> : Text;
/** A measurement, a part of one, or a table or chart made of results. */
type Place = Split<(typeof contenders)[Contender]['appearsIn']>;

/** The names of the contenders that appear in a place. */
export type ContenderIn<Name extends Place> = {
	[Each in Contender]: Name extends Split<(typeof contenders)[Each]['appearsIn']> ? Each : never;
}[Contender];

/** Returns the contenders that appear in a place, in the order of the table. */
export function contendersIn<Name extends Place>(place: Name): readonly ContenderIn<Name>[] {
	// Safe because the filter is what the type computes.
	return (Object.keys(contenders) as Contender[]).filter((name): name is ContenderIn<Name> =>
		contenders[name].appearsIn.split(' ').includes(place),
	);
}

/** Whether `initialize` opens a session. */
export function hasSessions(name: Contender): boolean {
	return contenders[name].group !== 'stateless';
}

/** Returns the Worker that does only what this contender cannot do without, if there is one. */
export function floorOf(name: Contender): Contender | undefined {
	const { floor: storage } = contenders[name];
	// Safe because a test starts every floor.
	return storage === undefined ? undefined : (`floor-${storage}` as Contender);
}

/** Returns the name of a contender in tables. */
export function titleOf(name: Contender): string {
	return contenders[name].title;
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

/** Our pairs through `http`, one for each info manager, and the session object. */
export const pairs = [...Object.values(contenderOfManager), 'session-object'] as const;
