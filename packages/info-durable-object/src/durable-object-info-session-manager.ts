import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { rejectUnknownOptions, STORED_INFO_OPTIONS } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import { waitUntil } from 'cloudflare:workers';

import { DEFAULT_BINDING } from './binding.ts';
import type { SessionShardBinding } from './binding.ts';
import { PACKAGE } from './package-name.ts';
import { DurableObjectSessionStore } from './durable-object-session-store.ts';

/** Lifetimes, error reporting and the jurisdiction. */
export interface DurableObjectInfoOptions extends StoredInfoOptions {
	/**
	 * The jurisdiction of the objects. Default: none. Sessions of one jurisdiction are unknown in
	 * another. Local workerd does not implement jurisdictions.
	 */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
}

const OPTIONS: OptionNames<DurableObjectInfoOptions> = { ...STORED_INFO_OPTIONS, jurisdiction: 1 };

/**
 * Implements tmcp's `InfoSessionManager` over SQLite-backed Durable Objects. Create it at module
 * scope: the binding is resolved at first use, which rejects with a `BindingError` if it is missing.
 *
 *     new HttpTransport(server, { sessionManager: { info: new DurableObjectInfoSessionManager() } })
 */
export class DurableObjectInfoSessionManager extends StoredInfoSessionManager {
	/**
	 * @param binding the name of a Durable Object namespace of `SessionShard`, or the namespace itself.
	 * @throws {TmcpSessionsError} `configuration`, if an option is invalid.
	 */
	constructor(
		binding: SessionShardBinding = DEFAULT_BINDING,
		options: DurableObjectInfoOptions = {},
	) {
		rejectUnknownOptions(options, OPTIONS, PACKAGE, 'DurableObjectInfoSessionManager');
		const { jurisdiction, now } = options;
		super(new DurableObjectSessionStore(binding, { jurisdiction, now }), {
			...options,
			waitUntil: options.waitUntil ?? waitUntil,
		});
	}
}
