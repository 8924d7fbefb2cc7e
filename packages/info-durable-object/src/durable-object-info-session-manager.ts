import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { waitUntil } from 'cloudflare:workers';

import { DEFAULT_BINDING } from './binding.ts';
import type { SessionShardBinding } from './binding.ts';
import { DurableObjectSessionStore } from './durable-object-session-store.ts';

/** How long sessions live, whom to tell of failures, and what their objects may not leave. */
export interface DurableObjectInfoOptions extends StoredInfoOptions {
	/**
	 * What the objects may not leave. Default: nothing. Sessions of one jurisdiction are unknown in
	 * another, and workerd on one's own machine has none.
	 */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
}

/**
 * tmcp's `InfoSessionManager` in Durable Objects with SQLite storage. Can be made at module scope: the
 * binding is looked up at the first use, which rejects with a `BindingError` where it is missing.
 *
 *     new HttpTransport(server, { sessionManager: { info: new DurableObjectInfoSessionManager() } })
 */
export class DurableObjectInfoSessionManager extends StoredInfoSessionManager {
	/**
	 * @param binding the name of a Durable Object namespace of `SessionShard`, or the namespace itself.
	 * @throws {TmcpSessionsError} `configuration`, where an option makes no sense.
	 */
	constructor(
		binding: SessionShardBinding = DEFAULT_BINDING,
		options: DurableObjectInfoOptions = {},
	) {
		const { jurisdiction, now } = options;
		super(new DurableObjectSessionStore(binding, { jurisdiction, now }), {
			...options,
			waitUntil: options.waitUntil ?? waitUntil,
		});
	}
}
