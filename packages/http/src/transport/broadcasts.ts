import type { StreamSessionManager } from '@tmcp/session-manager';

import { withOverrides } from '../backend/with-overrides.ts';

/** The stream managers whose sessions already get a server's broadcasts. */
const claimed = new WeakMap<object, WeakSet<StreamSessionManager>>();

/**
 * Claims the broadcasts of a server to the sessions of a stream manager. Each transport listens to
 * the server by itself: two over the same manager would send every change twice.
 *
 * @returns whether the caller is the first, and broadcasts. Others must not.
 */
export function claimBroadcasts(server: object, streams: StreamSessionManager): boolean {
	const managers = claimed.get(server) ?? new WeakSet();
	claimed.set(server, managers);
	if (managers.has(streams)) return false;
	managers.add(streams);
	return true;
}

/** Returns the manager without `send`, which a transport uses for broadcasts only. */
export function withoutBroadcasts(streams: StreamSessionManager): StreamSessionManager {
	return withOverrides(streams, { send: () => {} });
}
