import { join } from 'node:path';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import { nodeBuiltinsPlugin } from './node-builtins-plugin.ts';
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
	'ours-memory-bare': 'memory and Durable Object, bare `HttpTransport`',
	'ours-memory': 'memory and Durable Object, through `http`',
	'ours-bare': 'KV and Durable Object, bare `HttpTransport`',
	'ours-http': 'KV and Durable Object, through `http`',
	'ours-object-bare': 'Durable Objects alone, bare `HttpTransport`',
	'ours-object': 'Durable Objects alone, through `http`',
	'ours-mixed-bare': 'mixed and Durable Object, bare `HttpTransport`',
	'ours-mixed': 'mixed and Durable Object, through `http`',
	'ours-cached-bare': 'cached and Durable Object, bare `HttpTransport`',
	'ours-cached': 'cached and Durable Object, through `http`',
	'ours-upstash-bare': 'Upstash and Durable Object, bare `HttpTransport`',
	'ours-upstash': 'Upstash and Durable Object, through `http`',
	'ours-sealed': 'sealed over Durable Objects, through `http`',
	upstream: '`@tmcp/session-manager-durable-objects`',
	'upstream-kept-alive': '`@tmcp/session-manager-durable-objects`, kept alive',
	'mcp-agent': '`McpAgent` of `agents`',
	'agents-handler': '`createMcpHandler` of `agents`',
	'sdk-handler': '`createMcpHandler` of the official SDK',
	'growing-kv': 'KV and Durable Object, filled',
	'growing-object': 'Durable Objects alone, filled',
} as const;

/** The name of a contender. Its Worker is `contenders/<name>.ts`. */
export type Contender = keyof typeof contenderTitles;

/** Those that open no sessions: a client sends its calls without an id. */
export const sessionless: readonly Contender[] = ['agents-handler', 'sdk-handler'];

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
	'ours-sealed',
	'mcp-agent',
	'agents-handler',
	'sdk-handler',
] as const satisfies Contender[];

/** The contender that has this info manager, through `http`. */
export const contenderOfManager = {
	memory: 'ours-memory',
	kv: 'ours-http',
	'durable-object': 'ours-object',
	mixed: 'ours-mixed',
	cached: 'ours-cached',
	upstash: 'ours-upstash',
	sealed: 'ours-sealed',
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
		plugins: [...(options.plugins ?? []), nodeBuiltinsPlugin],
		workers,
		// Sound: one entry for each name of `workers`.
		entry: Object.fromEntries(entries) as Record<Name | 'objects', string>,
		kvNamespaces: ['TMCP_SESSION_INFO', 'UPSTREAM_SESSION_INFO'],
		durableObjects: {
			TMCP_DURABLE_OBJECT: 'SyncLayer',
			TMCP_SESSION_OBJECT: 'SessionShard',
			BARE_OBJECT: 'BareObject',
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
