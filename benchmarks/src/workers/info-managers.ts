import {
	cachedInfo,
	InMemorySessionStore,
	splitInfo,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import type { SessionStore } from '@tmcp-sessions/core/backend';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { UpstashInfoSessionManager } from '@tmcp-sessions/info-upstash';
import { env, waitUntil } from 'cloudflare:workers';

declare global {
	/** Counts the calls of a store in memory, which has no binding; set if operations are counted. */
	var countStore: ((store: SessionStore) => SessionStore) | undefined;
}

/** The defaults, unless the operations of an idle session are counted, which shortens its lifetime. */
const lifetime: StoredInfoOptions = env.IDLE_SECONDS
	? { idleSeconds: Number(env.IDLE_SECONDS) }
	: {};

// One function for each manager, so that a bundle contains only what its Worker uses.

export function createMemoryInfo(): StoredInfoSessionManager {
	const store = new InMemorySessionStore();
	return new StoredInfoSessionManager(globalThis.countStore?.(store) ?? store);
}

export function createKvInfo(): StoredInfoSessionManager {
	return new KVInfoSessionManager(undefined, lifetime);
}

export function createObjectInfo(): StoredInfoSessionManager {
	return new DurableObjectInfoSessionManager(undefined, lifetime);
}

export function createMixedInfo(): StoredInfoSessionManager {
	const object = createObjectInfo();
	return splitInfo({ client: createKvInfo(), logLevel: object, subscriptions: object });
}

export function createCachedInfo(): StoredInfoSessionManager {
	return cachedInfo(createKvInfo(), createObjectInfo());
}

/** Mutable state is in Durable Objects. */
export function createSealedInfo(): StoredInfoSessionManager {
	return new SealedInfoSessionManager({ keys: [env.TMCP_SESSION_KEYS], rest: createObjectInfo() });
}

export function createUpstashInfo(): StoredInfoSessionManager {
	const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = env;
	return UpstashInfoSessionManager.fromEnv({
		env: { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN },
		waitUntil,
		...lifetime,
	});
}

/** The factories by the name of the manager. */
export const infoManagers = {
	memory: createMemoryInfo,
	kv: createKvInfo,
	'durable-object': createObjectInfo,
	mixed: createMixedInfo,
	cached: createCachedInfo,
	upstash: createUpstashInfo,
	sealed: createSealedInfo,
};
