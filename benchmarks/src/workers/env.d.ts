import type { FloorObject } from './floors.ts';
import type { BareObject } from './objects.ts';

declare global {
	namespace Cloudflare {
		interface Env {
			TMCP_SESSION_INFO: KVNamespace;
			TMCP_SESSION_KEYS: string;
			BARE_OBJECT: DurableObjectNamespace<BareObject>;
			FLOOR_OBJECT: DurableObjectNamespace<FloorObject>;
			/** Lifetime of an idle session; set only if its operations are counted. */
			IDLE_SECONDS?: string;
			UPSTASH_REDIS_REST_URL?: string;
			UPSTASH_REDIS_REST_TOKEN?: string;
		}
	}
}
