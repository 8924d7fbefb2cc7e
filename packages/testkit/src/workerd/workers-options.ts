import type { Plugin } from 'esbuild';
import type { WorkerdVersion } from './workerd-binary.ts';

/** What to run. Each Worker is an isolate of its own; storage and objects are shared by all. */
export interface WorkersOptions<Name extends string = string> {
	/** Path of the Workers' main module, or one path for each Worker. Each path is bundled once. */
	readonly entry: string | Readonly<Record<Name, string>>;
	/** Names of the Workers. The first one owns the Durable Object classes and must export them. */
	readonly workers: readonly [Name, ...Name[]];
	/** The workerd release. Default `current`. */
	readonly version?: WorkerdVersion;
	/** Names of KV bindings, each one namespace for all Workers. Default `TMCP_SESSION_INFO`. */
	readonly kvNamespaces?: readonly string[];
	/** Class names by binding name, on SQLite. Default `{ TMCP_DURABLE_OBJECT: 'SyncLayer' }`. */
	readonly durableObjects?: Readonly<Record<string, string>>;
	/**
	 * Text variables of every Worker. There is always a `TMCP_SESSION_KEYS`: where none is given, a
	 * key of this start alone.
	 */
	readonly vars?: Readonly<Record<string, string>>;
	/** Default `2026-07-01`. */
	readonly compatibilityDate?: string;
	/** Default `nodejs_compat`. */
	readonly compatibilityFlags?: readonly string[];
	/**
	 * Whether objects stay in memory however long they are idle, so that what they do at waking up is not
	 * seen on a slow machine alone. Default: they go as on Cloudflare, after some ten seconds.
	 */
	readonly keepObjects?: boolean;
	/** For instance one that puts another module in the place of `cloudflare:workers`. */
	readonly plugins?: readonly Plugin[];
	/** Told of each line that a Worker or the runtime logs. Default: standard error. */
	readonly onLog?: (line: string) => void;
}
