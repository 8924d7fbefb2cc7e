import { getPerRequestProtocolVersions } from 'tmcp';

/** The stateless revisions that tmcp supports. */
export const STATELESS_REVISIONS: readonly string[] = getPerRequestProtocolVersions();
