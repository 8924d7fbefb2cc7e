import {
	cachedInfo,
	InMemorySessionStore,
	splitInfo,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { UpstashInfoSessionManager } from '@tmcp-sessions/info-upstash';
import { env, waitUntil } from 'cloudflare:workers';
import { sessionMemory } from './session-memory.ts';

// Functions of their own, so that a Worker's bundle holds only what it takes.

export function memory(): StoredInfoSessionManager {
	return new StoredInfoSessionManager(sessionMemory(new InMemorySessionStore()));
}

export function kv(): StoredInfoSessionManager {
	return new KVInfoSessionManager();
}

export function durableObject(): StoredInfoSessionManager {
	return new DurableObjectInfoSessionManager();
}

export function mixed(): StoredInfoSessionManager {
	const object = new DurableObjectInfoSessionManager();
	const client = new KVInfoSessionManager();
	return splitInfo({ client, logLevel: object, subscriptions: object });
}

export function cached(): StoredInfoSessionManager {
	return cachedInfo(new KVInfoSessionManager(), new DurableObjectInfoSessionManager());
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
	});
}
