import type { SessionIds } from '@tmcp-sessions/core/internal';

/** Makes and verifies session ids, as `createSessionIds` does. */
export type SessionIdIssuer = Pick<SessionIds, 'mint' | 'verify'>;
