import type { Plugin } from 'esbuild';
import type { WorkerdVersion } from './workerd-binary.ts';

/** How a Worker receives the messages of a queue, as `queues.consumers` of wrangler.jsonc says. */
export interface QueueConsumer {
	readonly name: string;
	readonly deadLetterQueue?: string;
	readonly maxBatchSize?: number;
	/** In seconds. */
	readonly maxBatchTimeout?: number;
	readonly maxRetries?: number;
}

/** Options of `startWorkers`. Each Worker is its own isolate; all share storage and objects. */
export interface WorkersOptions<Name extends string = string> {
	/** Path of the Workers' main module, or one path for each Worker. Each path is bundled once. */
	readonly entry: string | Readonly<Record<Name, string>>;
	/** Names of the Workers. The first one owns the Durable Object classes and must export them. */
	readonly workers: readonly [Name, ...Name[]];
	/** The workerd release. Default `current`. */
	readonly version?: WorkerdVersion;
	/** Names of KV bindings, each one namespace for all Workers. Default `TMCP_SESSION_INFO`. */
	readonly kvNamespaces?: readonly string[];
	/** Names of R2 bindings, each one bucket for all Workers. Default: none. */
	readonly r2Buckets?: readonly string[];
	/** Class names by binding name, on SQLite. Default `{ TMCP_DURABLE_OBJECT: 'SyncLayer' }`. */
	readonly durableObjects?: Readonly<Record<string, string>>;
	/** Class names of Workflows by binding name. The first Worker must export them. Default: none. */
	readonly workflows?: Readonly<Record<string, string>>;
	/** Names of queues by binding name, of every Worker. Default: none. */
	readonly queues?: Readonly<Record<string, string>>;
	/** The queues whose messages the first Worker receives. Default: none. */
	readonly queueConsumers?: readonly QueueConsumer[];
	/** The classes without SQLite, as `new_classes` of a migration makes them. Default: none. */
	readonly keyValueClasses?: readonly string[];
	/**
	 * Text variables of every Worker. Default of `TMCP_SESSION_KEYS`: a random key for this start.
	 */
	readonly vars?: Readonly<Record<string, string>>;
	/** Default `2026-07-01`. */
	readonly compatibilityDate?: string;
	/** Default `nodejs_compat`. */
	readonly compatibilityFlags?: readonly string[];
	/**
	 * Whether idle objects stay in memory, so that a slow machine does not wake objects that a fast one
	 * would not. Default: workerd evicts them after some ten seconds, as on Cloudflare.
	 */
	readonly keepObjects?: boolean;
	/** The folder in which the bindings store their data. Default: a temporary one, which `stop` removes. */
	readonly storagePath?: string;
	/** esbuild plugins, for example one that replaces `cloudflare:workers`. */
	readonly plugins?: readonly Plugin[];
	/** The port of workerd's inspector, or 0 for a free one: `miniflare.getInspectorURL()`. Default: none. */
	readonly inspectorPort?: number;
	/** Called with each line that a Worker or workerd logs. Default: writes it to standard error. */
	readonly onLog?: (line: string) => void;
}
