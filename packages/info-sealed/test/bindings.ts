import type { SessionShard } from '@tmcp-sessions/info-durable-object';
import { env } from 'cloudflare:workers';

interface Bindings {
	readonly TMCP_SESSION_INFO: KVNamespace;
	readonly TMCP_SESSION_SHARD: DurableObjectNamespace<SessionShard>;
}

/** The bindings of wrangler.jsonc, simulated by miniflare. */
// Safe because wrangler.jsonc declares these bindings.
export const bindings: Bindings = env as unknown as Bindings;
