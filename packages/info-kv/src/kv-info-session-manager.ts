import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { rejectUnknownOptions, STORED_INFO_OPTIONS } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import { waitUntil } from 'cloudflare:workers';
import { DEFAULT_BINDING } from './kv-binding.ts';
import { KVSessionStore } from './kv-session-store.ts';

/** Lifetimes, error reporting and administration. */
export interface KVInfoOptions extends StoredInfoOptions {
	/**
	 * Enables `endSessionsOf` and `listSessions`. Costs one more write for each session that a principal
	 * opens. Default: false.
	 */
	readonly administration?: boolean | undefined;
}

const OPTIONS: OptionNames<KVInfoOptions> = { ...STORED_INFO_OPTIONS, administration: 1 };

/**
 * Implements tmcp's `InfoSessionManager` over Workers KV. Create it at module scope: the binding is
 * resolved at first use, which rejects with a `BindingError` if it is missing or no KV namespace.
 *
 *     new HttpTransport(server, { sessionManager: { info: new KVInfoSessionManager() } })
 */
export class KVInfoSessionManager extends StoredInfoSessionManager {
	/**
	 * @param binding the name of a KV namespace in `wrangler.jsonc`, or the namespace itself.
	 * @param options lifetimes, error reporting and administration.
	 */
	constructor(binding: string | KVNamespace = DEFAULT_BINDING, options: KVInfoOptions = {}) {
		rejectUnknownOptions(options, OPTIONS, 'info-kv', 'KVInfoSessionManager');
		const { administration, now } = options;
		const store = new KVSessionStore(binding, { administration, now });
		super(store, { ...options, waitUntil: options.waitUntil ?? waitUntil });
	}
}
