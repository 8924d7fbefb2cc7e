export { createUpstashFromEnv } from './upstash-client.ts';
export type { UpstashPipeline, UpstashRedis, UpstashVariables } from './upstash-client.ts';
export { UpstashInfoSessionManager } from './upstash-info-session-manager.ts';
export type { UpstashFromEnvOptions, UpstashInfoOptions } from './upstash-info-session-manager.ts';
export { UpstashSessionStore } from './upstash-session-store.ts';
export type { UpstashSessionStoreOptions } from './upstash-session-store.ts';
