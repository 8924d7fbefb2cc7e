import type { BareObject } from './bare-object.ts';

declare global {
	namespace Cloudflare {
		interface Env {
			TMCP_SESSION_INFO: KVNamespace;
			TMCP_SESSION_KEYS: string;
			BARE_TRANSPORT: DurableObjectNamespace;
			BARE_OBJECT: DurableObjectNamespace<BareObject>;
			UPSTASH_REDIS_REST_URL?: string;
			UPSTASH_REDIS_REST_TOKEN?: string;
		}
	}
}
