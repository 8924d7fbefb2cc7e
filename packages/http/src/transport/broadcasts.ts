import type { StreamSessionManager } from '@tmcp/session-manager';

import { withOverrides } from './with-overrides.ts';

/** The stream managers that hear of a server's changes already. */
const tellers = new WeakMap<object, WeakSet<StreamSessionManager>>();

/**
 * Settles which of the transports of one server tells the sessions of a stream manager that
 * something changed. Each transport listens to the server by itself: two over the same manager would
 * send every change to every session twice.
 *
 * @returns whether the caller is the first, and does; whoever comes later must not.
 */
export function claimBroadcasts(server: object, streams: StreamSessionManager): boolean {
	const told = tellers.get(server) ?? new WeakSet();
	tellers.set(server, told);
	if (told.has(streams)) return false;
	told.add(streams);
	return true;
}

/** The manager for a transport that sends nothing but broadcasts, where another one does that. */
export function withoutBroadcasts(streams: StreamSessionManager): StreamSessionManager {
	return withOverrides(streams, { send: () => {} });
}
