import { join } from 'node:path';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Contender } from './contenders.ts';
import { nodeBuiltinsPlugin } from './node-builtins-plugin.ts';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';

/** Running contenders, side by side in one workerd, each an isolate with a socket of its own. */
export type RunningContenders<Name extends Contender> = Workers<Name | 'objects'>;

/** Starts contenders over storage that is new and empty. What upstream stores is apart from ours. */
export function startContenders<const Name extends Contender>(
	names: readonly Name[],
	options: Pick<WorkersOptions, 'plugins' | 'onLog' | 'vars' | 'keepObjects'> = {},
): Promise<RunningContenders<Name>> {
	const workers: ['objects', ...Name[]] = ['objects', ...names];
	const entries = workers.map((name) => [name, join(import.meta.dirname, `contenders/${name}.ts`)]);
	return startWorkers<Name | 'objects'>({
		...options,
		plugins: [...(options.plugins ?? []), nodeBuiltinsPlugin],
		workers,
		// Sound: one entry for each name of `workers`.
		entry: Object.fromEntries(entries) as Record<Name | 'objects', string>,
		kvNamespaces: ['TMCP_SESSION_INFO', 'UPSTREAM_SESSION_INFO'],
		durableObjects: {
			TMCP_DURABLE_OBJECT: 'SyncLayer',
			TMCP_SESSION_SHARD: 'SessionShard',
			BARE_OBJECT: 'BareObject',
			TRANSPORT_OBJECT: 'TransportObject',
			BENCHMARK_SESSION: 'BenchmarkSession',
			UPSTREAM_DURABLE_OBJECT: 'UpstreamSyncLayer',
			MCP_AGENT_OBJECT: 'McpAgentObject',
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
