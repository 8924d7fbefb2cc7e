import {
	cachedInfo,
	InMemorySessionStore,
	splitInfo,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { UpstashInfoSessionManager } from '@tmcp-sessions/info-upstash';
import { env, waitUntil } from 'cloudflare:workers';
import { sessionMemory } from './session-memory.ts';

/** As they are, but where what time costs is counted without waiting for it. */
const lifetime: StoredInfoOptions = env.IDLE_SECONDS
	? { idleSeconds: Number(env.IDLE_SECONDS) }
	: {};

// Functions of their own, so that a Worker's bundle holds only what it takes.

export function memory(): StoredInfoSessionManager {
	return new StoredInfoSessionManager(sessionMemory(new InMemorySessionStore()));
}

export function kv(): StoredInfoSessionManager {
	return new KVInfoSessionManager(undefined, lifetime);
}

export function durableObject(): StoredInfoSessionManager {
	return new DurableObjectInfoSessionManager(undefined, lifetime);
}

export function mixed(): StoredInfoSessionManager {
	const object = durableObject();
	return splitInfo({ client: kv(), logLevel: object, subscriptions: object });
}

export function cached(): StoredInfoSessionManager {
	return cachedInfo(kv(), durableObject());
}

/** What changes is in Durable Objects. */
export function sealed(): StoredInfoSessionManager {
	return new SealedInfoSessionManager({ keys: [env.TMCP_SESSION_KEYS], rest: durableObject() });
}

export function upstash(): StoredInfoSessionManager {
	const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = env;
	return UpstashInfoSessionManager.fromEnv({
		env: { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN },
		waitUntil,
		...lifetime,
	});
}
