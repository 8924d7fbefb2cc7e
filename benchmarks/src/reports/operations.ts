import { contenderOfManager, titleOf } from '../contenders.ts';
import type { InfoManagerName } from '../contenders.ts';
import { IDLE_DAY, SESSION_CALL } from '../operations/count-operations.ts';
import type { Operations } from '../operations/count-operations.ts';
import { describeCounts, describeStorage } from '../operations/counts.ts';
import type { RedisOperations } from '../operations/count-redis.ts';
import type { OperationCounts } from '../operations/counts.ts';
import type { DeclaredCapabilities } from '../operations/read-capabilities.ts';
import { CALLS_PER_SESSION, sessionCounts, sessionDollars } from './costs.ts';
import { table } from './markdown.ts';
import { dollarsPerMillion, formatDollars, storeDollarsPerMillion } from './prices.ts';

/** The sources of the comparison. */
export interface Comparison {
	readonly capabilities: DeclaredCapabilities;
	readonly operations: Operations;
	readonly redis: RedisOperations;
}

interface ManagerRow {
	readonly title: string;
	/** The folders in `packages` of the packages that it needs. */
	readonly packages: readonly string[];
	readonly runtimes: string;
}

const workers = { runtimes: 'Cloudflare Workers' };
const both = ['info-kv', 'info-durable-object'];
/** The rows of the comparison: what is neither counted nor declared. */
const managers: Readonly<Record<InfoManagerName, ManagerRow>> = {
	memory: { title: 'memory', packages: ['core'], runtimes: 'any, in one process' },
	kv: { ...workers, title: 'KV', packages: ['info-kv'] },
	'durable-object': { ...workers, title: 'Durable Object', packages: ['info-durable-object'] },
	mixed: { ...workers, title: 'mixed (`splitInfo`)', packages: both },
	cached: { ...workers, title: 'cached (`cachedInfo`)', packages: both },
	upstash: { title: 'Upstash', packages: ['info-upstash'], runtimes: 'any with `fetch`' },
	sealed: {
		title: 'sealed, over Durable Object',
		packages: ['info-sealed', 'info-durable-object'],
		runtimes: 'those of the store under it',
	},
};

/** The rows of managers that do not run in workerd. Deno KV has no price list. */
const elsewhere = {
	redis: { title: 'Redis', packages: ['info-redis'], runtimes: 'Node.js, Bun, Deno' },
	'deno-kv': { title: 'Deno KV', packages: ['info-deno-kv'], runtimes: 'Deno, Node.js' },
} as const;

/** The info managers, in the order of the rows. */
// Safe because the keys are those of the literal above.
export const managerNames = Object.keys(managers) as InfoManagerName[];

/** Prefixes of the kinds that do not use the session store. */
const streamKinds = ['tools/call, 2026-07-28', 'GET stream', 'list change'];

/** A row for each kind of request: first beside the peers, then for every info manager. */
export function operationsTables(operations: Operations): string {
	const kinds = Object.keys(operations['ours-http']);
	const others = Object.keys(operations['session-object']).filter((kind) => !kinds.includes(kind));
	const ofStore = kinds.filter((kind) => !streamKinds.some((each) => kind.startsWith(each)));
	const compared = ['ours-http', 'ours-bare', 'session-object', 'upstream', 'mcp-agent'] as const;
	return [
		kindsTable(operations, [...kinds, ...others], compared),
		'Operations of each info manager on its store, through `http`:',
		table(
			`request | ${managerNames.map((name) => managers[name].title).join(' | ')}`,
			ofStore.map((kind) => [
				kind,
				...managerNames.map((name) => {
					const counts = operations[contenderOfManager[name]][kind];
					return counts ? describeStorage(counts) : '';
				}),
			]),
		),
	].join('\n\n');
}

function kindsTable(
	operations: Operations,
	kinds: readonly string[],
	contenders: readonly (keyof Operations)[],
): string {
	return table(
		`request | ${contenders.map(titleOf).join(' | ')}`,
		kinds.map((kind) => [
			kind,
			...contenders.map((name) => {
				const counts = operations[name][kind];
				return counts ? describeCounts(counts) : '';
			}),
		]),
	);
}

/** The guarantees of each info manager, and its costs: a row for each in two tables. */
export function comparisonTables(comparison: Comparison): string {
	const guarantees = table(
		'info in | package | runtimes | consistency | expires by itself | longest id | atomic',
		[
			...managerNames.map((name) => guaranteesRow(managers[name], comparison.capabilities[name])),
			guaranteesRow(elsewhere.redis, comparison.redis.capabilities.redis),
			guaranteesRow(elsewhere['deno-kv'], comparison.redis.capabilities['deno-kv']),
		],
	);
	const costs = table(`info in | ${Object.keys(costsOf(comparison, 'memory')).join(' | ')}`, [
		...managerNames.map((name) => [
			managers[name].title,
			...Object.values(costsOf(comparison, name)),
		]),
		[elsewhere.redis.title, ...Object.values(redisCosts(comparison.redis))],
	]);
	return `${guarantees}\n\n${costs}`;
}

type Capabilities = DeclaredCapabilities[InfoManagerName];

function guaranteesRow(
	{ packages, runtimes, title }: ManagerRow,
	capabilities: Capabilities,
): string[] {
	const { ttlFloorSeconds, maxIdBytes, atomicUpdate } = capabilities;
	return [
		title,
		packages.map((each) => `[\`${each}\`](../packages/${each})`).join(', '),
		runtimes,
		describeConsistency(capabilities),
		ttlFloorSeconds === 0 ? 'on time' : `after ${ttlFloorSeconds} s or later`,
		`${maxIdBytes} bytes`,
		atomicUpdate ? 'yes' : 'no',
	];
}

/** The guarantees and costs of metadata in Redis as a list. */
export function redisFacts({ redis }: Comparison): string {
	return factsOf(redis.capabilities.redis, redisCosts(redis));
}

function redisCosts({ info }: RedisOperations): Record<string, string> {
	const server = 'that of the server';
	return costsOfCounts(info.tcp, () => server);
}

/** The guarantees and costs of one info manager as a list. */
export function managerFacts(comparison: Comparison, name: InfoManagerName): string {
	return factsOf(comparison.capabilities[name], costsOf(comparison, name));
}

function factsOf(capabilities: Capabilities, costs: Readonly<Record<string, string>>): string {
	const { ttlFloorSeconds, maxIdBytes, atomicUpdate } = capabilities;
	const guarantees = [
		`consistency: ${describeConsistency(capabilities)}`,
		atomicUpdate
			? 'two concurrent updates both persist'
			: 'one of two concurrent updates may be lost',
		`ids of up to ${maxIdBytes} bytes`,
		...(ttlFloorSeconds === 0 ? [] : [`keys kept for at least ${ttlFloorSeconds} s`]),
	];
	return listOf([
		guarantees.join('; '),
		...Object.entries(costs).map(([what, cost]) => `${what}: ${cost}`),
	]);
}

/** The costs of a session that has its own object. */
export function sessionObjectCosts(operations: Operations, idleBytes: string): string {
	const counts = operations['session-object'];
	const describe = (kind: string): string => describeCounts(counts[kind] ?? {});
	const callDollars = formatDollars(dollarsPerMillion(counts[SESSION_CALL] ?? {}));
	return listOf([
		`\`initialize\`: ${describe('initialize')}`,
		`a call that responds at once: ${describe(SESSION_CALL)}; ${callDollars} a million`,
		`DELETE, and the alarm that empties the object half a minute later: ${describe('DELETE')}`,
		`a million sessions of ${CALLS_PER_SESSION} calls: ${formatDollars(sessionDollars(operations, 'session-object'))}`,
		`${IDLE_DAY}: ${describe(IDLE_DAY)}`,
		`an idle session with a stream: ${idleBytes} in SQLite`,
	]);
}

function listOf(items: readonly string[]): string {
	return items.map((item) => `- ${item}`).join('\n');
}

function describeConsistency({ consistency, visibleWithinSeconds }: Capabilities): string {
	if (consistency === 'isolate') return 'this isolate alone';
	return consistency === 'strong' ? 'strong' : `eventual, within ${visibleWithinSeconds} s`;
}

function costsOf({ operations }: Comparison, name: InfoManagerName): Record<string, string> {
	return costsOfCounts(operations[contenderOfManager[name]], (counts) =>
		formatDollars(storeDollarsPerMillion(counts)),
	);
}

function costsOfCounts(
	counts: Readonly<Record<string, OperationCounts>>,
	priceOf: (counts: OperationCounts) => string,
): Record<string, string> {
	const countsOf = (kind: string): OperationCounts => {
		const found = counts[kind];
		if (!found) throw new Error(`operations of ${kind} must be counted; found none`);
		return found;
	};
	return {
		initialize: describeStorage(countsOf('initialize')),
		'an ordinary call': describeStorage(countsOf(SESSION_CALL)),
		subscribe: describeStorage(countsOf('resources/subscribe')),
		'end with 2 subscriptions': describeStorage(countsOf('DELETE with 2 subscriptions')),
		'a million calls': priceOf(countsOf(SESSION_CALL)),
		[`a million sessions of ${CALLS_PER_SESSION} calls`]: priceOf(sessionCounts(counts)),
	};
}
