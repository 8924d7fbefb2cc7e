import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { cached, durableObject, kv, memory, mixed, sealed, upstash } from './info-makers.ts';

/** The info managers that are compared, made by name: each Worker makes its own. */
export const infoManagers = {
	memory,
	kv,
	'durable-object': durableObject,
	mixed,
	cached,
	upstash,
	sealed,
} satisfies Record<string, () => StoredInfoSessionManager>;

/** The name of an info manager. */
export type InfoManagerName = keyof typeof infoManagers;
