import { contenderOfManager, titleOf } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { SESSION_CALL } from './count-operations.ts';
import type { Operations } from './count-operations.ts';
import { describeCounts, describeStorage } from './operation-counts.ts';

type CountedContender = keyof Operations;

/** The kinds of the short table. */
const shortKinds = [
	'initialize',
	SESSION_CALL,
	'DELETE with 2 subscriptions beside 50 other subscribers',
] as const;
/** The columns of the second table. */
const managerTitles = {
	'ours-memory': 'memory',
	'ours-http': 'KV',
	'ours-object': 'Durable Object',
	'ours-mixed': 'mixed: KV and Durable Object',
	'ours-cached': 'cached: KV before Durable Object',
	'ours-upstash': 'Upstash Redis',
	'ours-sealed': 'sealed, over Durable Object',
};
/** Prefixes of the kinds that do not use the session store. */
const streamKinds = ['tools/call, 2026-07-28', 'GET stream', 'list change'];

/** A row for each kind of request: first beside the peers, then for every info manager. */
export function operationsTables(operations: Operations): string {
	const kinds = Object.keys(operations['ours-http']);
	const others = Object.keys(operations['session-object']).filter((kind) => !kinds.includes(kind));
	const storeKinds = kinds.filter((kind) => !streamKinds.some((each) => kind.startsWith(each)));
	const compared = ['ours-http', 'ours-bare', 'session-object', 'upstream', 'mcp-agent'] as const;
	return [
		kindsTable(operations, [...kinds, ...others], compared, describeCounts),
		'Operations of each info manager on its store, through `http`:',
		kindsTable(
			operations,
			storeKinds,
			Object.values(contenderOfManager),
			describeStorage,
			managerTitles,
		),
	].join('\n\n');
}

/** The most important requests, ours beside upstream. */
export function shortOperationsTable(operations: Operations): string {
	return kindsTable(operations, shortKinds, ['ours-http', 'upstream'], describeCounts);
}

function kindsTable(
	operations: Operations,
	kinds: readonly string[],
	contenders: readonly CountedContender[],
	describe: typeof describeCounts,
	titles: Partial<Record<CountedContender, string>> = {},
): string {
	return table(
		['request', ...contenders.map((name) => titles[name] ?? titleOf(name))],
		kinds.map((kind) => [
			kind,
			...contenders.map((name) => {
				const counts = operations[name][kind];
				return counts ? describe(counts) : '';
			}),
		]),
	);
}
