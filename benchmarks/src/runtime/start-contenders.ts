import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';
import { contenders } from '../contenders.ts';
import type { Contender, ObjectClass } from '../contenders.ts';
import { contenderEntry, objectsEntry, workerEntriesPlugin } from './worker-entries.ts';

/** Running contenders, side by side in one workerd, each an isolate with its own socket. */
export type RunningContenders<Name extends Contender> = Workers<Name | 'objects'>;

const bindings: Readonly<Record<ObjectClass, string>> = {
	SyncLayer: 'TMCP_DURABLE_OBJECT',
	SessionShard: 'TMCP_SESSION_SHARD',
	BareObject: 'BARE_OBJECT',
	TransportObject: 'TRANSPORT_OBJECT',
	BenchmarkSession: 'BENCHMARK_SESSION',
	UpstreamSyncLayer: 'UPSTREAM_DURABLE_OBJECT',
	McpAgentObject: 'MCP_AGENT_OBJECT',
};

/**
 * Starts contenders over new, empty storage. The Worker `objects` owns their Durable Objects, so every
 * contender reaches them from another isolate. Upstream has its own bindings.
 */
export function startContenders<const Name extends Contender>(
	names: readonly Name[],
	options: Pick<WorkersOptions, 'plugins' | 'onLog' | 'vars' | 'keepObjects'> = {},
): Promise<RunningContenders<Name>> {
	const workers: ['objects', ...Name[]] = ['objects', ...names];
	const classes = [
		...new Set(names.flatMap((name): readonly ObjectClass[] => contenders[name].objects)),
	];
	const entries = [
		['objects', objectsEntry(classes)],
		...names.map((name) => [name, contenderEntry(name)]),
	];
	return startWorkers<Name | 'objects'>({
		...options,
		plugins: [...(options.plugins ?? []), workerEntriesPlugin],
		workers,
		// Safe because there is one entry for each name of `workers`.
		entry: Object.fromEntries(entries) as Record<Name | 'objects', string>,
		kvNamespaces: ['TMCP_SESSION_INFO', 'UPSTREAM_SESSION_INFO'],
		durableObjects: Object.fromEntries(classes.map((name) => [bindings[name], name])),
	});
}

/** Returns the URL at which a contender serves MCP. */
export function endpoint<Name extends Contender>(
	running: RunningContenders<Name>,
	name: Name,
): string {
	return new URL('/mcp', running.url(name)).href;
}
