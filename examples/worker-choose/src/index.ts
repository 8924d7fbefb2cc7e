import { chooseSessions, splitInfo } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { env } from 'cloudflare:workers';

import { createServer } from './server.ts';

export { SessionShard } from '@tmcp-sessions/info-durable-object';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

/** The variables of wrangler.jsonc that this file reads; a deployment sets those it uses. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly MCP_SESSIONS?: string;
			readonly TMCP_SESSION_KEYS?: string;
		}
	}
}

const kv = new KVInfoSessionManager();
const object = new DurableObjectInfoSessionManager();

// Only the selected managers are created, so a deployment needs only their bindings.
const sessions = chooseSessions(env.MCP_SESSIONS, {
	streams: { 'durable-object': () => new DurableObjectStreamSessionManager() },
	subscriptions: { 'durable-object': () => new DurableObjectSubscriptionManager() },
	info: {
		kv: () => kv,
		'durable-object': () => object,
		mixed: () => splitInfo({ client: kv, logLevel: object, subscriptions: object }),
		sealed: () => new SealedInfoSessionManager({ keys: [env.TMCP_SESSION_KEYS], rest: object }),
	},
});

export default createMcpHandler(createServer(), sessions);
