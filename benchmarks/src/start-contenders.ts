import { join } from 'node:path';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { InfoManagerName } from './contenders/info-managers.ts';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';

/** Everything that is compared: its name in results, and what it is called in a table. */
export const contenderTitles = {
	'bare-worker': 'a bare Worker with a constant answer',
	'bare-worker-kv-read': 'a bare Worker with one KV read',
	'bare-worker-object': 'a bare Worker with one call of a Durable Object',
	'bare-worker-object-row': 'a bare Worker whose object reads one row',
	'memory-bare': '`tmcp`, managers in memory',
	'memory-bare-object': '`tmcp`, managers in memory, after one object call',
	'memory-http': '`http`, managers in memory',
	'ours-bare': 'KV and Durable Object, bare `HttpTransport`',
	'ours-http': 'KV and Durable Object, through `http`',
	'ours-object-bare': 'Durable Objects alone, bare `HttpTransport`',
	'ours-object': 'Durable Objects alone, through `http`',
	'ours-memory': 'memory',
	'ours-mixed': 'mixed: KV and Durable Object',
	'ours-cached': 'cached: KV before Durable Object',
	'ours-upstash': 'Upstash Redis',
	upstream: '`@tmcp/session-manager-durable-objects`',
} as const;

/** The name of a contender. Its Worker is `contenders/<name>.ts`. */
export type Contender = keyof typeof contenderTitles;

/** Whose throughput is measured, the limits first. */
export const measuredContenders = [
	'bare-worker',
	'bare-worker-kv-read',
	'bare-worker-object',
	'bare-worker-object-row',
	'memory-bare',
	'memory-bare-object',
	'memory-http',
	'ours-bare',
	'ours-http',
	'ours-object-bare',
	'ours-object',
	'upstream',
] as const satisfies Contender[];

/** One whose throughput is measured. */
export type MeasuredContender = (typeof measuredContenders)[number];

/** Whose operations are counted. */
export const countedContenders = [
	'ours-http',
	'ours-bare',
	'upstream',
	'ours-memory',
	'ours-object',
	'ours-mixed',
	'ours-cached',
	'ours-upstash',
] as const satisfies Contender[];

/** The contender that has this info manager, through `http`. */
export const contenderOfManager = {
	memory: 'ours-memory',
	kv: 'ours-http',
	'durable-object': 'ours-object',
	mixed: 'ours-mixed',
	cached: 'ours-cached',
	upstash: 'ours-upstash',
} as const satisfies Record<InfoManagerName, (typeof countedContenders)[number]>;

/** Running contenders, side by side in one workerd, each an isolate with a socket of its own. */
export type RunningContenders<Name extends Contender> = Workers<Name | 'objects'>;

/** Starts contenders over storage that is new and empty. What upstream stores is apart from ours. */
export function startContenders<const Name extends Contender>(
	names: readonly Name[],
	options: Pick<WorkersOptions, 'plugins' | 'onLog' | 'vars'> = {},
): Promise<RunningContenders<Name>> {
	const workers: ['objects', ...Name[]] = ['objects', ...names];
	const entries = workers.map((name) => [name, join(import.meta.dirname, `contenders/${name}.ts`)]);
	return startWorkers<Name | 'objects'>({
		...options,
		workers,
		// Sound: one entry for each name of `workers`.
		entry: Object.fromEntries(entries) as Record<Name | 'objects', string>,
		kvNamespaces: ['TMCP_SESSION_INFO', 'UPSTREAM_SESSION_INFO'],
		durableObjects: {
			TMCP_DURABLE_OBJECT: 'SyncLayer',
			TMCP_SESSION_OBJECT: 'SessionShard',
			BARE_OBJECT: 'BareObject',
			UPSTREAM_DURABLE_OBJECT: 'UpstreamSyncLayer',
		},
	});
}

/** Where a contender serves MCP. */
export function endpoint<Name extends Contender>(
	running: RunningContenders<Name>,
	name: Name,
): string {
	return new URL('/mcp', running.url(name)).href;
}
