import { join } from 'node:path';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';

/** Everything that is measured: its name in results, and what it is called in a table. */
export const contenderTitles = {
	'bare-worker': 'a bare Worker with a constant answer',
	'bare-worker-kv-read': 'a bare Worker with one KV read',
	'memory-bare': '`tmcp`, managers in memory',
	'memory-http': '`http`, managers in memory',
	'ours-bare': 'KV and Durable Object, bare `HttpTransport`',
	'ours-http': 'KV and Durable Object, through `http`',
	upstream: '`@tmcp/session-manager-durable-objects`',
} as const;

/** The name of a contender. Its Worker is `contenders/<name>.ts`. */
export type Contender = keyof typeof contenderTitles;

/** All contenders, the limits first. */
// Sound: the keys are those of the literal above.
export const allContenders = Object.keys(contenderTitles) as Contender[];

/** The contenders that keep a session for other isolates. */
export const backedContenders = ['ours-http', 'ours-bare', 'upstream'] as const;

/** Running contenders, side by side in one workerd, each an isolate with a socket of its own. */
export type RunningContenders<Name extends Contender> = Workers<Name | 'objects'>;

/** Starts contenders over storage that is new and empty. What upstream stores is apart from ours. */
export function startContenders<const Name extends Contender>(
	names: readonly Name[],
	options: Pick<WorkersOptions, 'plugins' | 'onLog'> = {},
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
