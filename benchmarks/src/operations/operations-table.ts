import { contenderOfManager, titleOf } from '../contenders.ts';
import { markdownTable } from '../markdown-table.ts';
import type { Operations } from './count-operations.ts';
import { inWords, storageInWords } from './operations-in-words.ts';

type CountedContender = keyof Operations;

/** The kinds of request that say most. */
const TELLING_KINDS = [
	'initialize',
	'tools/call, session era',
	'DELETE with 2 subscriptions beside 50 other subscribers',
] as const;
/** What the columns of our info managers are called where these alone are compared. */
const managerTitles = {
	'ours-memory': 'memory',
	'ours-http': 'KV',
	'ours-object': 'Durable Object',
	'ours-mixed': 'mixed: KV and Durable Object',
	'ours-cached': 'cached: KV before Durable Object',
	'ours-upstash': 'Upstash Redis',
	'ours-sealed': 'sealed, over Durable Object',
};
/** What no session is asked for. */
const OF_STREAMS = ['tools/call, 2026-07-28', 'GET stream opened', 'a list change told to all'];

/** A row for each kind of request: beside upstream, and then of every info manager. */
export function operationsTables(operations: Operations): string {
	const ofHttp = Object.keys(operations['ours-http']);
	const kinds = [...ofHttp, ...keysBesides(operations['session-object'], ofHttp)];
	const managers = Object.values(contenderOfManager);
	const ofSessions = ofHttp.filter((kind) => !OF_STREAMS.some((each) => kind.startsWith(each)));
	return [
		table(
			operations,
			kinds,
			['ours-http', 'ours-bare', 'session-object', 'upstream', 'mcp-agent'],
			inWords,
		),
		'What each info manager asks of its store, through `http`:',
		table(operations, ofSessions, managers, storageInWords, managerTitles),
	].join('\n\n');
}

/** The requests that say most, ours beside upstream. */
export function compactOperationsTable(operations: Operations): string {
	return table(operations, TELLING_KINDS, ['ours-http', 'upstream'], inWords);
}

/** What one contender alone is asked for. */
function keysBesides(counts: Operations[CountedContender], kinds: readonly string[]): string[] {
	return Object.keys(counts).filter((kind) => !kinds.includes(kind));
}

function table(
	operations: Operations,
	kinds: readonly string[],
	contenders: readonly CountedContender[],
	words: typeof inWords,
	titles: Partial<Record<CountedContender, string>> = {},
): string {
	return markdownTable(
		['request', ...contenders.map((name) => titles[name] ?? titleOf(name))],
		kinds.map((kind) => [
			kind,
			...contenders.map((name) => {
				const counts = operations[name][kind];
				return counts ? words(counts) : '';
			}),
		]),
	);
}
