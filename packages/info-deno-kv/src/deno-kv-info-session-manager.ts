import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { rejectUnknownOptions, STORED_INFO_OPTIONS } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';

import { DenoKvSessionStore } from './deno-kv-session-store.ts';
import type { DenoKvStoreOptions } from './deno-kv-session-store.ts';

/** The database, lifetimes and error reporting. */
export type DenoKvInfoOptions = DenoKvStoreOptions & StoredInfoOptions;

const OPTIONS: OptionNames<DenoKvInfoOptions> = { ...STORED_INFO_OPTIONS, open: 1, prefix: 1 };

/**
 * Implements tmcp's `InfoSessionManager` over Deno KV. Create it at module scope: it opens the database at
 * its first use.
 */
export class DenoKvInfoSessionManager extends StoredInfoSessionManager {
	constructor(options: DenoKvInfoOptions = {}) {
		rejectUnknownOptions(options, OPTIONS, 'info-deno-kv', 'DenoKvInfoSessionManager');
		super(new DenoKvSessionStore(options), options);
	}
}
