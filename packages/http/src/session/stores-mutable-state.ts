import { hasSessionSealing } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager } from '@tmcp/session-manager';

/** Whether log levels, subscriptions and the ends of sessions are stored. */
export function storesMutableState(info: InfoSessionManager): boolean {
	return !hasSessionSealing(info) || info.storesMutableState;
}
