import {
	cachedInfo,
	InMemorySessionStore,
	splitInfo,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { UpstashInfoSessionManager } from '@tmcp-sessions/info-upstash';
import { env, waitUntil } from 'cloudflare:workers';
import { sessionMemory } from './session-memory.ts';

/** The info managers that are compared, made by name: each Worker makes its own. */
export const infoManagers = {
	memory: () => new StoredInfoSessionManager(sessionMemory(new InMemorySessionStore())),
	kv: () => new KVInfoSessionManager(),
	'durable-object': () => new DurableObjectInfoSessionManager(),
	mixed: () => {
		const object = new DurableObjectInfoSessionManager();
		const client = new KVInfoSessionManager();
		return splitInfo({ client, logLevel: object, subscriptions: object });
	},
	cached: () => cachedInfo(new KVInfoSessionManager(), new DurableObjectInfoSessionManager()),
	upstash: () => {
		const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = env;
		return UpstashInfoSessionManager.fromEnv({
			env: { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN },
			waitUntil,
		});
	},
} satisfies Record<string, () => StoredInfoSessionManager>;

/** The name of an info manager. */
export type InfoManagerName = keyof typeof infoManagers;
