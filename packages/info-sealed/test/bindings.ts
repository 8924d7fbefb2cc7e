import type { SessionShard } from '@tmcp-sessions/info-durable-object';
import { env } from 'cloudflare:workers';

interface Bindings {
	readonly TMCP_SESSION_INFO: KVNamespace;
	readonly TMCP_SESSION_SHARD: DurableObjectNamespace<SessionShard>;
}

/** The bindings of wrangler.jsonc, kept by miniflare. */
// Sound: wrangler.jsonc binds these kinds to these names.
export const bindings: Bindings = env as unknown as Bindings;
