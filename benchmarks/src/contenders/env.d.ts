import type { BareObject } from './bare-object.ts';

declare global {
	namespace Cloudflare {
		interface Env {
			TMCP_SESSION_INFO: KVNamespace;
			TMCP_SESSION_KEYS: string;
			TRANSPORT_OBJECT: DurableObjectNamespace;
			BARE_OBJECT: DurableObjectNamespace<BareObject>;
			/** How long a `BenchmarkSession` lives without use, in seconds. */
			IDLE_SECONDS?: string;
			UPSTASH_REDIS_REST_URL?: string;
			UPSTASH_REDIS_REST_TOKEN?: string;
		}
	}
}
